// A picture over the whole page, and other things that ask for all attention: sheets. Escape and the back button close them.

import { html, Component } from "./view.js";
import { say } from "./words.js";
import { icon } from "./icons.js";

/** Keeps the focus inside while it is there, and gives it back. */
class Sheet extends Component {
  componentDidMount() {
    this.before = document.activeElement;
    const first = this.base.querySelector("input, textarea, button");
    if (first) first.focus();
  }

  componentWillUnmount() {
    if (this.before && this.before.focus) this.before.focus();
  }

  key(event) {
    if (event.isComposing) return;
    if (event.key === "Escape") {
      event.stopPropagation();
      this.props.close();
    }
    if (event.key !== "Tab") return;
    const all = Array.from(this.base.querySelectorAll("button, input, textarea, select, a[href]")).filter((one) => !one.disabled);
    const at = all.indexOf(document.activeElement);
    if ((event.shiftKey && at <= 0) || (!event.shiftKey && at === all.length - 1)) {
      event.preventDefault();
      all[event.shiftKey ? all.length - 1 : 0].focus();
    }
  }

  frame(name, label, inside) {
    const close = this.props.close;
    return html`<div class=${"veil " + name} role="dialog" aria-modal="true" aria-label=${label}
      onKeyDown=${(event) => this.key(event)} onMouseDown=${(event) => event.target === event.currentTarget && close()}>${inside}</div>`;
  }
}

export class Viewer extends Sheet {
  render({ address, close }) {
    return this.frame("viewer", say("kind_image"), html`
      <img src=${address} alt=${say("kind_image")} onClick=${close} />
      <button type="button" class="tool" aria-label=${say("close")} onClick=${close}>${icon("close")}</button>`);
  }
}

export class Dialog extends Sheet {
  render({ title, close, children }) {
    return this.frame("dialog-veil", title, html`<div class="dialog">
      <header><h2>${title}</h2><button type="button" class="tool" aria-label=${say("close")} onClick=${close}>${icon("close")}</button></header>
      <div class="dialog-body">${children}</div>
    </div>`);
  }
}
