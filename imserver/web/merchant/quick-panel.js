// The quick replies as a panel: put one into the field, write a new one, change one, take one away.

import { html, Component } from "../ui/view.js";
import { say } from "../ui/words.js";
import { icon } from "../ui/icons.js";

export class QuickPanel extends Component {
  constructor(props) {
    super(props);
    this.state = { query: "", edited: null };
  }

  render({ quick, insert }, { query, edited }) {
    const matches = (item) => (item.text + item.shortcut + item.folder).toLowerCase().indexOf(query.toLowerCase()) >= 0;
    const groups = quick.groups().map(([folder, items]) => [folder, items.filter(matches)]).filter(([, items]) => items.length > 0);
    if (edited) return html`<${QuickForm} item=${edited} quick=${quick} close=${() => this.setState({ edited: null })} />`;
    return html`<div class="quick-panel">
      <div class="quick-top">
        <label class="search">${icon("search")}<span class="unseen-text">${say("search_quick")}</span>
          <input type="search" value=${query} placeholder=${say("search_quick")} onInput=${(event) => this.setState({ query: event.target.value })} /></label>
        <button type="button" class="tool" aria-label=${say("new_quick")} title=${say("new_quick")} onClick=${() => this.setState({ edited: {} })}>${icon("plus")}</button>
      </div>
      ${groups.length === 0 ? html`<div class="blank"><span class="blank-icon">${icon("quick")}</span>
        <p>${say(quick.items.length === 0 ? "no_quick" : "no_quick_found")}</p>
        ${quick.items.length === 0 ? html`<button type="button" class="button primary" onClick=${() => this.setState({ edited: {} })}>${say("new_quick")}</button>` : null}</div>` : null}
      ${groups.map(([folder, items]) => html`<section key=${folder}><h3 dir="auto">${folder || say("no_folder")}</h3>
        <ul class="plain">${items.map((item) => html`<li key=${item.id} class="quick-item">
          <button type="button" class="quick-text" title=${say("put_in")} onClick=${() => insert(item.text)}>
            ${item.shortcut ? html`<kbd>/${item.shortcut}</kbd>` : null}<span dir="auto">${item.text}</span></button>
          <button type="button" class="tool" aria-label=${say("edit")} onClick=${() => this.setState({ edited: item })}>${icon("edit")}</button>
          <button type="button" class="tool" aria-label=${say("remove")} onClick=${() => quick.remove(item.id)}>${icon("trash")}</button></li>`)}</ul></section>`)}
    </div>`;
  }
}

class QuickForm extends Component {
  save(event) {
    event.preventDefault();
    const form = event.target;
    const text = form.elements.text.value.trim();
    if (text === "") return form.elements.text.focus();
    const item = { id: this.props.item.id, text, folder: form.elements.folder.value.trim(), shortcut: form.elements.shortcut.value.replace(/[\s/]/g, "") };
    this.props.quick.save(item).then((ok) => ok && this.props.close());
  }

  render({ item, quick, close }) {
    const folders = quick.groups().map(([folder]) => folder).filter(Boolean);
    return html`<form class="quick-form" onSubmit=${(event) => this.save(event)} onKeyDown=${(event) => event.key === "Escape" && !event.isComposing && close()}>
      <h3>${say(item.id ? "edit_quick" : "new_quick")}</h3>
      <label>${say("quick_text")}<textarea name="text" rows="5" maxlength="2000" required defaultValue=${item.text || ""} ref=${(field) => field && !this.field && (this.field = field).focus()}></textarea></label>
      <label>${say("quick_folder")}<input name="folder" list="folders" maxlength="32" defaultValue=${item.folder || ""} placeholder=${say("quick_folder_hint")} /></label>
      <datalist id="folders">${folders.map((folder) => html`<option key=${folder} value=${folder} />`)}</datalist>
      <label>${say("quick_shortcut")}<input name="shortcut" maxlength="16" defaultValue=${item.shortcut || ""} placeholder=${say("quick_shortcut_hint")} /></label>
      <div class="acts"><button type="submit" class="button primary">${say("save")}</button><button type="button" class="button" onClick=${close}>${say("cancel")}</button></div>
    </form>`;
  }
}
