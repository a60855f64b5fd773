// A long list of which only what is near the view is drawn. It keeps its place:
//
//   at the end    it stays at the end: what is new pushes the rest up
//   anywhere else the first row in view stays where it is, whatever comes above or below, and however high it turns out
//
// Heights are guessed until a row has been drawn once. Knows nothing of what rows show.

import { html, Component } from "./view.js";

/** Drawn beyond the view on both sides, in pixels: about what a finger throws in a frame or two. */
const BEYOND = 700;
/** Of a row that was never drawn. */
const GUESS = 64;
/** Heights of rows that have gone, before they are forgotten. */
const KEPT_HEIGHTS = 500;
/** So near to the end counts as there. */
const NEAR = 24;
/** So near to the beginning, older rows are asked for. */
const EARLY = 400;

/**
 * Props: `rows` (each with a `key`, and `isPassing` if it may go when others come before it), `draw(row)`, `head` (above all rows), `label`, `older()` where there is more above,
 * `drawn(element)` after each drawing, `atEnd(isAtEnd)` when that changes.
 */
export class List extends Component {
  constructor(props) {
    super(props);
    this.heights = new Map();
    this.width = 0;
    this.height = window.innerHeight;
    this.rows = [];
    this.sizes = [];
    this.tops = [0];
    this.near = 0;
    this.isAtEnd = true;
    this.anchor = null;
    this.top = 0;
    this.most = 0;
    this.scrolled = () => this.look();
    this.resized = () => this.settle(true);
    this.lay(props);
  }

  componentDidMount() {
    window.addEventListener("resize", this.resized);
    if (window.visualViewport) window.visualViewport.addEventListener("resize", this.resized);
    if (window.ResizeObserver) {
      this.observer = new ResizeObserver(this.resized);
      this.observer.observe(this.base);
    }
    // What is in a row may get its size late.
    this.base.addEventListener("load", this.resized, true);
    this.settle(true);
  }

  componentWillUnmount() {
    window.removeEventListener("resize", this.resized);
    if (window.visualViewport) window.visualViewport.removeEventListener("resize", this.resized);
    if (this.observer) this.observer.disconnect();
  }

  componentDidUpdate() {
    this.settle(true);
  }

  /** To the end, and stays there. */
  toEnd() {
    this.top = this.base.scrollTop;
    this.isAtEnd = true;
    this.anchor = null;
    this.forceUpdate();
  }

  /** Brings a row to the middle of the view; false if there is none by this key. */
  toRow(key) {
    if (this.indexOf(key) < 0) return false;
    this.top = this.base.scrollTop;
    this.isAtEnd = false;
    this.anchor = { key, offset: -this.base.clientHeight / 3 };
    this.forceUpdate();
    if (this.props.atEnd) this.props.atEnd(false);
    return true;
  }

  render(props) {
    if (props.rows !== this.rows) this.lay(props);
    const range = this.range();
    this.start = range.start;
    this.end = range.end;
    const drawn = props.rows.slice(range.start, range.end);
    const above = this.tops[range.start];
    const below = this.tops[props.rows.length] - this.tops[range.end];
    return html`<div class="list" role="log" aria-label=${props.label} tabindex="0" onScroll=${this.scrolled}>
      ${props.head}
      <div class="rows" style=${{ paddingTop: above + "px", paddingBottom: below + "px" }}>
        ${drawn.map((row) => html`<div key=${row.key} class=${props.marked === row.key ? "row marked" : "row"}>
          <${Drawn} row=${row} draw=${props.draw} />
        </div>`)}
      </div>
    </div>`;
  }

  /** Takes rows; those at the beginning that are the same have their places already. */
  lay({ rows }) {
    const before = { rows: this.rows, tops: this.anchor ? this.tops.slice() : null, at: this.anchor ? this.indexOf(this.anchor.key) : -1 };
    let same = 0;
    while (same < rows.length && same < before.rows.length && rows[same] === before.rows[same]) same += 1;
    this.rows = rows;
    for (let at = same; at < rows.length; at += 1) {
      const height = this.heights.get(rows[at].key);
      this.sizes[at] = height === undefined ? GUESS : height;
    }
    this.sizes.length = rows.length;
    this.sum(same);
    if (this.anchor && this.indexOf(this.anchor.key) < 0) this.anchor = this.anchorBeside(before);
    if (this.heights.size > 2 * rows.length + KEPT_HEIGHTS) this.forgetHeights();
  }

  /** The row that held the place has gone: another that stood near it holds the same place. */
  anchorBeside({ rows, tops, at }) {
    if (at < 0) return null;
    const place = tops[at] + this.anchor.offset;
    const here = new Set(this.rows.map((row) => row.key));
    let kept = at + 1;
    while (kept < rows.length && !here.has(rows[kept].key)) kept += 1;
    if (kept === rows.length) kept = at - 1;
    while (kept >= 0 && !here.has(rows[kept].key)) kept -= 1;
    return kept < 0 ? null : { key: rows[kept].key, offset: place - tops[kept] };
  }

  /** Of rows that are not in the list any more. */
  forgetHeights() {
    const here = new Set(this.rows.map((row) => row.key));
    Array.from(this.heights.keys()).forEach((key) => here.has(key) || this.heights.delete(key));
  }

  /** Where each row begins, as far as is known, from this one on. */
  sum(from) {
    this.tops.length = this.rows.length + 1;
    for (let at = from; at < this.rows.length; at += 1) this.tops[at + 1] = this.tops[at] + this.sizes[at];
  }

  /** Where the row of this key stands, most often where it was looked for last; below 0 if there is none. */
  indexOf(key) {
    const near = this.rows[this.near];
    if (!near || near.key !== key) this.near = this.rows.findIndex((row) => row.key === key);
    return this.near;
  }

  /** What is to be drawn: the view, and something beyond. */
  range() {
    const height = this.height;
    const total = this.tops[this.rows.length];
    const top = this.isAtEnd || !this.anchor ? total - height : this.placeOf(this.anchor);
    return { start: this.rowAt(top - BEYOND), end: Math.min(this.rows.length, this.rowAt(top + height + BEYOND) + 1) };
  }

  /** How far down the list an anchor is; one that is gone gives way to the end. */
  placeOf(anchor) {
    const index = this.indexOf(anchor.key);
    return index < 0 ? this.tops[this.rows.length] : this.tops[index] + anchor.offset;
  }

  /** The row at this place. */
  rowAt(place) {
    let low = 0;
    let high = this.rows.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.tops[middle] <= place) low = middle;
      else high = middle - 1;
    }
    return Math.max(0, low);
  }

  /** After a drawing: real heights take the place of guesses, and the view its place. */
  settle(again) {
    const base = this.base;
    if (!base || base.clientHeight === 0) return;
    this.height = base.clientHeight;
    const isAnew = this.width !== base.clientWidth;
    if (isAnew) {
      // Everything breaks into other lines now.
      this.width = base.clientWidth;
      this.heights.clear();
      this.sizes.fill(GUESS);
      this.sum(0);
    }
    // What is drawn may be higher than guessed: what is above and below it, which is all that a drawing says of heights, is not.
    this.measure();
    this.place(isAnew);
    const range = this.range();
    if (again && (isAnew || range.start < this.start || range.end > this.end)) {
      const isStill = this.depth > 8;
      this.depth = (this.depth || 0) + 1;
      if (!isStill) this.forceUpdate();
      return;
    }
    this.depth = 0;
    if (this.props.drawn) this.props.drawn(base);
    this.askOlder();
  }

  measure() {
    let first = this.rows.length;
    const elements = this.base.querySelector(".rows").children;
    for (let at = 0; at < elements.length; at += 1) {
      const index = this.start + at;
      const row = this.rows[index];
      const height = elements[at].getBoundingClientRect().height;
      if (!row || (this.sizes[index] === height && this.heights.has(row.key))) continue;
      this.heights.set(row.key, height);
      this.sizes[index] = height;
      first = Math.min(first, index);
    }
    this.sum(first);
  }

  place(isAnew) {
    const base = this.base;
    const moved = this.untold();
    if (!this.anchor || (this.isAtEnd && moved === 0)) base.scrollTop = base.scrollHeight;
    else if (this.indexOf(this.anchor.key) >= 0) {
      const wanted = Math.max(0, this.standing(this.anchor) + moved);
      if (Math.abs(base.scrollTop - wanted) > 1) base.scrollTop = wanted;
    }
    this.top = base.scrollTop;
    this.most = base.scrollHeight - base.clientHeight;
    if (moved !== 0 && this.anchor && isAnew) {
      // What is drawn does not fit the new guesses: where it is in them is known after the next drawing.
      this.anchor = { key: this.anchor.key, offset: this.anchor.offset + moved };
      this.turnEnd(false);
    } else if (moved !== 0) this.note();
    else if (this.isAtEnd) this.hold();
  }

  /** How far down the list's own box an anchor is, as drawn. */
  standing({ key, offset }) {
    const index = this.indexOf(key);
    const rows = this.base.querySelector(".rows");
    const element = rows.children[index - this.start];
    return offset + (element ? element.offsetTop : rows.offsetTop + this.tops[index]);
  }

  /**
   * How far a person has moved the list since it was last known where it is, unless it was to the end. A browser tells once a
   * frame, and a drawing may come before. What has become smaller is put at its end by the browser: that is nobody's move.
   */
  untold() {
    const { scrollTop, scrollHeight, clientHeight } = this.base;
    const moved = scrollTop - this.top;
    if (Math.abs(moved) <= 1) return 0;
    if (scrollTop >= this.most - NEAR) this.turnEnd(true);
    const isPut = moved < 0 && scrollHeight - scrollTop - clientHeight <= 1;
    return isPut || scrollTop >= this.most - NEAR ? 0 : moved;
  }

  /** Where the list is now, by a person or by us. */
  note() {
    const base = this.base;
    this.top = base.scrollTop;
    this.most = base.scrollHeight - base.clientHeight;
    this.turnEnd(this.top >= this.most - NEAR);
    return this.hold();
  }

  turnEnd(isAtEnd) {
    if (isAtEnd === this.isAtEnd) return;
    this.isAtEnd = isAtEnd;
    if (this.props.atEnd) this.props.atEnd(isAtEnd);
  }

  /** The first lasting row in view holds the place from here on. */
  hold() {
    const place = this.top - this.base.querySelector(".rows").offsetTop;
    this.near = this.lastingRow(this.rowAt(place));
    const row = this.rows[this.near];
    this.anchor = row ? { key: row.key, offset: place - this.tops[this.near] } : null;
    return place;
  }

  /** The list was moved. */
  look() {
    const base = this.base;
    const place = this.note();
    const range = this.range();
    const isShort = (range.start < this.start && this.tops[this.start] > place - BEYOND / 2)
      || (range.end > this.end && this.tops[this.end] < place + base.clientHeight + BEYOND / 2);
    if (isShort) this.forceUpdate();
    else this.askOlder();
  }

  /** Where, from here on, the first row is that stays what it is when others come before it. */
  lastingRow(index) {
    let at = index;
    while (at < this.rows.length - 1 && this.rows[at].isPassing) at += 1;
    return at;
  }

  askOlder() {
    if (this.props.older && this.base.scrollTop < EARLY) this.props.older();
  }
}

/**
 * What is in a row; drawn again only if it is another one. It stands in an element that the list draws: the vendored Preact puts a
 * component that need not be drawn again to its place anew when one before it goes, and with each the browser lays out all.
 */
class Drawn extends Component {
  /**
   * What was drawn once is held by what was drawn beside it (`__v`, `__`: the vendored Preact's names for a component's drawing and
   * for what that stands in). A list whose rows come and go would so keep every row that it ever had.
   */
  componentWillUnmount() {
    if (this.__v) this.__v.__ = null;
  }

  shouldComponentUpdate(props) {
    const row = this.props.row;
    return props.draw !== this.props.draw || (props.row !== row && !(row.isPassing && props.row.time === row.time));
  }

  render({ row, draw }) {
    return draw(row);
  }
}
