// What every page does first: find out who this is, connect, and draw again when something is different.

import { html, render, Component } from "./view.js";
import { Session, newId } from "../client/index.js";
import { Model } from "./model.js";
import { asMe, devUser, forgetLink, isDev, linkProduct, linkTarget, loginAddress, where } from "./settings.js";
import { ASIDE } from "./recent.js";
import { textOf } from "./message.js";
import { language, say, sayError, speak } from "./words.js";
import { icon } from "./icons.js";

const TOAST_MS = 8000;
const AGAIN_MS = 2000;

/** Opens a page: `frame({model, ...})` draws it, for one of `roles` where only those may use it. */
export function open(frame, { platform, roles }) {
  const place = document.getElementById("page");
  if (isDev && !devUser) return location.replace("/");
  whoAmI().then((me) => {
    if (roles && roles.indexOf(me.role) < 0) return render(html`<${Refused} reason="wrong_role" />`, place);
    const model = begin(platform);
    model.role = me.role;
    render(html`<${Page} model=${model} frame=${frame} />`, place);
    model.session.start();
    if (linkTarget && linkTarget !== me.user) {
      arrive(model);
      forgetLink();
    }
  }, (error) => {
    // Only this is a matter of who it is; anything else passes.
    const isRefused = ["unauthorized", "forbidden"].indexOf(error.code) >= 0;
    if (!isRefused) setTimeout(() => open(frame, { platform, roles }), error.retry_after_ms || AGAIN_MS);
    render(html`<${Refused} reason=${isRefused ? "not_logged_in" : "no_server"} />`, place);
  });
}

/** By a link: shown here at once; other windows follow when the person does anything here, for a link can come from anywhere. */
function arrive(model) {
  model.show(linkTarget, linkProduct);
  const acts = ["pointerdown", "keydown"];
  const act = () => {
    acts.forEach((name) => document.removeEventListener(name, act, true));
    if (model.current === linkTarget) model.turnTo(linkTarget);
  };
  acts.forEach((name) => document.addEventListener(name, act, true));
}

/** Who a request of this page comes from; a merchant's page is for merchants. */
function whoAmI() {
  return fetch(asMe("/api/v1/me"), { credentials: "same-origin" }).then(
    (response) => response.json(),
  ).catch(() => ({ ok: false, error: { code: "lost" } })).then((answer) => (answer.ok ? answer.me : Promise.reject(answer.error || {})));
}

function begin(platform) {
  let storage;
  try {
    storage = window.localStorage;
  } catch (notAllowed) {
    storage = undefined;
  }
  const session = new Session({ where: where(platform, "web-" + newId()), storage, bounds: { entries: ASIDE } });
  const model = new Model(session);
  // For who looks into a page that misbehaves.
  window.im = { session, model };
  return model;
}

class Page extends Component {
  constructor(props) {
    super(props);
    this.state = { toast: null };
    props.model.on("change", () => this.setState({}));
    props.model.on("event", ({ event, payload }) => event === "systemPush" && this.toast(textOf(payload.message, "text")));
    props.model.on("error", (error) => this.toast(sayError(error)));
  }

  toast(text) {
    clearTimeout(this.timer);
    this.setState({ toast: text });
    this.timer = setTimeout(() => this.setState({ toast: null }), TOAST_MS);
  }

  render({ model, frame }, { toast }) {
    const redraw = () => this.setState({});
    return html`<div class="whole" data-connection=${model.connection.name} data-synced=${model.isSynced}>
      <${frame} model=${model} revision=${model.revision} redraw=${redraw} toast=${(text) => this.toast(text)} />
      <div class="toast-place" role="status">${toast ? html`<p class="toast">${toast}</p>` : null}</div>
    </div>`;
  }
}

/** There is nothing to show to this visitor. */
function Refused({ reason }) {
  const back = loginAddress();
  return html`<main class="refused"><span class="blank-icon">${icon(reason === "no_server" ? "offline" : "user")}</span>
    <h1>${say(reason)}</h1><p>${say(reason + "_more")}</p>
    ${reason === "not_logged_in" && back ? html`<a class="button primary" href=${back}>${say("log_in")}</a>` : null}
    ${reason === "no_server" ? html`<span class="spinner"></span>` : null}
  </main>`;
}

/** The switch between languages. */
export function LanguageButton({ redraw }) {
  const other = language() === "zh" ? "en" : "zh";
  const turn = () => {
    speak(other);
    redraw();
  };
  return html`<button type="button" class="tool" title=${say("other_language")} aria-label=${say("other_language")}
    lang=${other === "zh" ? "zh-CN" : "en"} onClick=${turn}>${icon("language")}</button>`;
}
