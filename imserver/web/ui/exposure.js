// Which messages have been on the screen: half of one (or as much as fits) in view, while the page is visible and has the
// focus. Elements say by `data-unseen` what they are.

const ENOUGH = 0.5;
/** At which shares the browser tells: fine enough for a message that is higher than the view. */
const STEPS = Array.apply(null, { length: 51 }).map((none, at) => at / 50);

export class Exposure {
  /** @param {(ids: string[]) => void} seen */
  constructor(seen) {
    this.seen = seen;
    this.inView = new Set();
    this.observed = new Set();
    this.root = null;
    this.observer = null;
    this.report = () => this.tell();
    window.addEventListener("focus", this.report);
    document.addEventListener("visibilitychange", this.report);
  }

  /** A list was drawn: these of its elements are looked at from now on. */
  look(root) {
    if (this.root !== root) this.begin(root);
    const elements = new Set(root.querySelectorAll("[data-unseen]"));
    if (!this.observer) return this.measure(elements);
    this.observed.forEach((element) => {
      if (elements.has(element)) return;
      this.observer.unobserve(element);
      this.observed.delete(element);
      this.inView.delete(element);
    });
    elements.forEach((element) => {
      if (this.observed.has(element)) return;
      this.observed.add(element);
      this.observer.observe(element);
    });
  }

  end() {
    window.removeEventListener("focus", this.report);
    document.removeEventListener("visibilitychange", this.report);
    if (this.observer) this.observer.disconnect();
  }

  begin(root) {
    if (this.observer) this.observer.disconnect();
    this.root = root;
    this.inView.clear();
    this.observed.clear();
    this.observer = null;
    if (!window.IntersectionObserver) {
      root.addEventListener("scroll", () => this.measure(new Set(root.querySelectorAll("[data-unseen]"))));
      return;
    }
    this.observer = new IntersectionObserver((changes) => {
      changes.forEach((change) => {
        const fills = change.intersectionRect.height >= change.rootBounds.height * ENOUGH;
        if (change.isIntersecting && (change.intersectionRatio >= ENOUGH || fills)) this.inView.add(change.target);
        else this.inView.delete(change.target);
      });
      this.tell();
    }, { root, threshold: STEPS });
  }

  /** Where the browser cannot watch, it is asked. */
  measure(elements) {
    const frame = this.root.getBoundingClientRect();
    this.inView = new Set(Array.from(elements).filter((element) => {
      const box = element.getBoundingClientRect();
      const shown = Math.min(box.bottom, frame.bottom) - Math.max(box.top, frame.top);
      return shown >= Math.min(box.height, frame.height) * ENOUGH;
    }));
    this.tell();
  }

  tell() {
    const looks = document.visibilityState === "visible" && (!document.hasFocus || document.hasFocus());
    if (!looks || this.inView.size === 0) return;
    this.seen(Array.from(this.inView).map((element) => element.dataset.unseen).filter(Boolean));
  }
}
