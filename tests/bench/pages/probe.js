// What runs inside a page before its own scripts. It reads the page's clock where a message comes in, where a frame begins
// and where it has been painted.
//
//   frame ──┬─ scroll events ─ animation frames ─ styles, layout, paint ─┬─ the next task
//         begin                                                         end
//
// A task that is posted while a frame is made runs after it was painted; what the compositor does then is not counted.

/** Sent to the page as text: it sees nothing of this module. */
export function installProbe() {
  const GIVE_UP_MS = 10_000;
  let awaited = null;

  // A message handler's promises are settled before the next listener is called.
  const Native = window.WebSocket;
  window.WebSocket = class extends Native {
    set onmessage(handle) {
      super.onmessage = (event) => {
        if (awaited && typeof event.data === "string" && event.data.includes(awaited.mark)) awaited.arrives(event);
        handle(event);
      };
      this.addEventListener("message", (event) => awaited && awaited.handled(event));
    }
  };

  /** Calls `made({begin, end, stamp})` for each frame until it says no. */
  function watch(made) {
    let begin = null;
    const scrolled = () => (begin = begin ?? performance.now());
    window.addEventListener("scroll", scrolled, true);
    const frame = (stamp) => {
      const began = begin ?? performance.now();
      const after = new MessageChannel();
      after.port1.onmessage = () => {
        begin = null;
        after.port1.close();
        if (made({ begin: began, end: performance.now(), stamp })) requestAnimationFrame(frame);
        else window.removeEventListener("scroll", scrolled, true);
      };
      after.port2.postMessage(0);
    };
    requestAnimationFrame(frame);
  }

  /** Looks out for a message with `mark` in it; `seen` is when it has come and stands in an element of `selector`, painted. */
  function expect(mark, selector) {
    window.probe.seen = new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${mark} is not seen`)), GIVE_UP_MS);
      let [arrival, event, isThere, work, frames] = [0, null, false, 0, 0];
      const look = new MutationObserver(() => {
        isThere = isThere || Array.from(document.querySelectorAll(selector)).some((one) => one.textContent.includes(mark));
      });
      awaited = {
        mark,
        arrives(which) {
          event = event ?? which;
          arrival = performance.now();
          look.observe(document.body, { childList: true, characterData: true, subtree: true });
          watch(({ begin, end }) => {
            frames += 1;
            work += end - begin;
            if (!isThere) return true;
            look.disconnect();
            clearTimeout(timer);
            awaited = null;
            resolve({ shown: end - arrival, work, frames });
            return false;
          });
        },
        handled(which) {
          if (which === event) work += performance.now() - arrival;
        },
      };
    });
  }

  /** Moves a list by so many pixels a frame to its beginning and back; all frames meanwhile. */
  function scroll(step) {
    const list = document.querySelector(".list");
    const frames = [];
    let [direction, gaps, still, before] = [-1, 0, 0, -1];
    const move = () => {
      list.scrollTop += direction * step;
      still = list.scrollTop === before ? still + 1 : 0;
      before = list.scrollTop;
      if (still < 30) return requestAnimationFrame(move);
      if (direction > 0) return (direction = 0);
      [direction, still] = [1, 0];
      requestAnimationFrame(move);
    };
    const isCovered = () => {
      const [view, rows] = [list.getBoundingClientRect(), list.querySelector(".rows")];
      const [top, bottom] = [rows.firstElementChild, rows.lastElementChild].map((row) => row.getBoundingClientRect());
      const covers = (edge, inside) => inside <= 1 || edge;
      const above = parseFloat(rows.style.paddingTop) || 0;
      const below = parseFloat(rows.style.paddingBottom) || 0;
      return covers(top.top <= view.top + 1, above) && covers(bottom.bottom >= view.bottom - 1, below);
    };
    return new Promise((resolve) => {
      const long = [];
      const observer = new PerformanceObserver((seen) => long.push(...seen.getEntries().map((entry) => entry.duration)));
      observer.observe({ type: "long-animation-frame" });
      requestAnimationFrame(move);
      watch((frame) => {
        frames.push(frame);
        if (!isCovered()) gaps += 1;
        if (direction !== 0) return true;
        observer.disconnect();
        resolve({ frames, long, gaps });
        return false;
      });
    });
  }

  window.probe = { expect, scroll, seen: null };
}
