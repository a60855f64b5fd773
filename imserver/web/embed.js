// A floating button for any page, which opens the conversation with somebody about a product:
//
//   <script src="https://im.example/embed.js" data-to="m7" data-product="p-1" data-title="…" data-price="128.00"
//     data-image="https://…" data-url="https://…" data-label="联系客服" async></script>
//
// Only `data-to` is needed. The page around it gets nothing of the chat, and the chat nothing of the page but these words: a link
// is all that it adds, in a tree of its own that no style of the page reaches.

(function () {
  "use strict";
  var script = document.currentScript;
  if (!script || !script.src) return;
  var given = script.dataset;
  if (!/^[A-Za-z]*[0-9][0-9A-Za-z_-]*$/.test(given.to || "")) {
    if (window.console) console.error("embed.js: data-to must be a user key, such as m7");
    return;
  }

  function address() {
    var isPhone = /Mobi|Android|iPhone/i.test(navigator.userAgent);
    var page = new URL(isPhone ? "/wap" : "/pc", script.src);
    ["to", "product", "title", "price", "image", "url", "user", "lang"].forEach(function (name) {
      var value = given[name];
      if (!value) return;
      if (name === "image" || name === "url") {
        try {
          // Relative to the page that says so.
          value = new URL(value, document.baseURI).href;
        } catch (notAnAddress) {
          return;
        }
      }
      page.searchParams.set(name, value.slice(0, 2000));
    });
    return page.href;
  }

  function style(element, rules) {
    // One by one: a page may forbid styles that are written in text.
    Object.keys(rules).forEach(function (name) {
      element.style.setProperty(name, rules[name]);
    });
  }

  function draw() {
    var host = document.createElement("div");
    host.setAttribute("data-im-button", "");
    style(host, { position: "fixed", right: "20px", bottom: "calc(24px + env(safe-area-inset-bottom, 0px))", "z-index": "2147483000" });
    var root = host.attachShadow ? host.attachShadow({ mode: "open" }) : host;
    var link = document.createElement("a");
    link.href = address();
    link.target = "_blank";
    link.rel = "noopener";
    link.setAttribute("part", "button");
    style(link, {
      display: "flex", "align-items": "center", gap: "8px", padding: "12px 18px 12px 14px", "border-radius": "26px",
      background: "#0c7a5f", color: "#fff", font: "600 15px/1.4 -apple-system, 'Segoe UI', 'PingFang SC', 'Microsoft YaHei', sans-serif",
      "text-decoration": "none", "box-shadow": "0 8px 24px rgba(8, 60, 46, .32)",
    });
    var svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("width", "22");
    svg.setAttribute("height", "22");
    svg.setAttribute("aria-hidden", "true");
    var path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", "M4 5h16v11H10l-5 4v-4H4z");
    path.setAttribute("fill", "none");
    path.setAttribute("stroke", "currentColor");
    path.setAttribute("stroke-width", "1.8");
    path.setAttribute("stroke-linejoin", "round");
    svg.appendChild(path);
    link.appendChild(svg);
    link.appendChild(document.createTextNode(given.label || (given.lang === "en" ? "Chat with us" : "联系客服")));
    root.appendChild(link);
    document.body.appendChild(host);
  }

  if (document.body) draw();
  else document.addEventListener("DOMContentLoaded", draw);
})();
