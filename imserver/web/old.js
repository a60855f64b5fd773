// For a browser without modules: it cannot run the pages, and is told so.

document.getElementById("page").textContent = "浏览器版本过低，请升级后再试。 This browser is too old for this page.";
