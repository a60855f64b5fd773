// The start page: in development somebody to be; else the page of whoever has logged in.

import { html, render, Component } from "./ui/view.js";
import { LanguageButton } from "./ui/page.js";
import { Avatar } from "./ui/avatar.js";
import { isDev, pageOf } from "./ui/settings.js";
import { say } from "./ui/words.js";

/** What a shop's own page would say of a product. */
const PRODUCT = {
  to: "m7", product: "p-1024", title: "晨光文具礼盒 · 钢笔与手账本套装（可刻字）", price: "128.00", image: "/demo/p-1024.svg", url: "/demo/product.html",
};

class Start extends Component {
  constructor() {
    super();
    this.state = { people: [] };
    fetch("/api/v1/people").then((response) => response.json()).then((answer) => this.setState({ people: answer.people || [] }), () => {});
  }

  render(props, { people }) {
    document.title = say("title_start");
    const merchants = people.filter((one) => one.role !== "buyer");
    const buyers = people.filter((one) => one.role === "buyer");
    const first = buyers[0];
    return html`<main class="start">
      <header><img src="/favicon.svg" alt="" /><div><h1>${say("title_start")}</h1><p class="faint">${say("start_lead")}</p></div>
        <${LanguageButton} redraw=${() => this.setState({})} /></header>
      <section><h2>${say("start_buyers")}</h2><ul class="people">${buyers.map((one) => drawPerson(one, html`
        <a class="button primary" href=${pageOf("/pc", { user: one.user_id })}>${say("start_pc")}</a>
        <a class="button" href=${pageOf("/wap", { user: one.user_id })}>${say("start_wap")}</a>`))}</ul></section>
      <section><h2>${say("start_merchants")}</h2><ul class="people">${merchants.map((one) => drawPerson(one, html`
        <a class="button primary" href=${pageOf("/merchant", { user: one.user_id })}>${say("start_console")}</a>`))}</ul></section>
      ${first ? html`<section><h2>${say("start_product")}</h2><ul class="people"><li class="product">
        <img class="avatar" src="/demo/p-1024.svg" alt="" /><div class="name"><b>${PRODUCT.title}</b><span class="faint">${say("start_product_more")}</span></div>
        <div class="acts"><a class="button" href=${pageOf("/pc", Object.assign({ user: first.user_id }, PRODUCT))}>${say("start_pc")}</a>
          <a class="button" href=${pageOf("/wap", Object.assign({ user: first.user_id }, PRODUCT))}>${say("start_wap")}</a>
          <a class="button" href="/demo/product.html">${say("start_button")}</a></div></li></ul></section>` : null}
      <p class="hint">${say("start_hint")}</p>
    </main>`;
  }
}

function drawPerson(one, acts) {
  return html`<li key=${one.user_id} data-user=${one.user_id}><${Avatar} user=${one.user_id} name=${one.nickname} address=${one.avatar} />
    <div class="name"><b dir="auto">${one.nickname}</b><span class="faint">${one.user_id}</span></div><div class="acts">${acts}</div></li>`;
}

/** Outside development everybody has a page of their own. */
function goOn() {
  fetch("/api/v1/me", { credentials: "same-origin" }).then((response) => response.json()).then((answer) => {
    const role = answer.ok ? answer.me.role : "buyer";
    location.replace(pageOf(role === "buyer" ? (innerWidth < 640 ? "/wap" : "/pc") : "/merchant"));
  }, () => location.replace("/pc"));
}

const place = document.getElementById("page");
if (isDev) render(html`<${Start} />`, place);
else goOn();
