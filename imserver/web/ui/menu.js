// A small menu at a place of the page; arrows, Enter and Escape work in it, and a touch elsewhere closes it.

import { html, Component } from "./view.js";
import { icon } from "./icons.js";

const EDGE = 8;

export class Menu extends Component {
  componentDidMount() {
    this.before = document.activeElement;
    const box = this.base.querySelector(".menu").getBoundingClientRect();
    const x = Math.max(EDGE, Math.min(this.props.x, window.innerWidth - box.width - EDGE));
    const y = this.props.y + box.height + EDGE > window.innerHeight ? Math.max(EDGE, this.props.y - box.height - EDGE) : this.props.y;
    const menu = this.base.querySelector(".menu");
    menu.style.left = x + "px";
    menu.style.top = y + "px";
    const first = menu.querySelector("button");
    if (first) first.focus();
  }

  componentWillUnmount() {
    if (this.before && this.before.focus) this.before.focus();
  }

  key(event) {
    const buttons = Array.from(this.base.querySelectorAll("button"));
    const at = buttons.indexOf(document.activeElement);
    const steps = { ArrowDown: 1, ArrowUp: -1, Tab: event.shiftKey ? -1 : 1 };
    if (event.key === "Escape") this.props.close();
    else if (steps[event.key]) buttons[(at + steps[event.key] + buttons.length) % buttons.length].focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  render({ items, close }) {
    const act = (item) => {
      close();
      item.act();
    };
    return html`<div class="veil" onMouseDown=${(event) => event.target === event.currentTarget && close()} onKeyDown=${(event) => this.key(event)}>
      <div class="menu" role="menu">
        ${items.map((item) => html`<button type="button" role="menuitem" key=${item.text} onClick=${() => act(item)}>${icon(item.icon)}${item.text}</button>`)}
      </div>
    </div>`;
  }
}
