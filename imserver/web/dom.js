// Small hands for building elements. Text only ever enters the page as text: nothing here takes markup.

// An element with attributes (`text` and `class` are the usual ones) and children.
export function el(tag, attributes, children) {
  const element = document.createElement(tag);
  set(element, attributes || {});
  (children || []).forEach((child) => element.appendChild(child));
  return element;
}

// Sets attributes; `null` or `false` takes one away, `text` replaces the content.
export function set(element, attributes) {
  Object.keys(attributes).forEach((name) => {
    const value = attributes[name];
    if (name === 'text') {
      // Writing the same text again would make screen readers say it again.
      if (element.textContent !== value) element.textContent = value;
    } else if (value === null || value === false) {
      element.removeAttribute(name);
    } else {
      element.setAttribute(name, value === true ? '' : value);
    }
  });
  return element;
}

const SVG = 'http://www.w3.org/2000/svg';

const PATHS = {
  send: 'M4 11.2 20 4l-5.2 16-3.4-6.4L4 11.2Zm7.4 2.4L20 4',
  windows: 'M8 8V4.8h11.2V16H16M4.8 8H16v11.2H4.8V8Z',
  down: 'M12 5v13m-5.5-5.5L12 18l5.5-5.5',
  retry: 'M19 12a7 7 0 1 1-2.2-5.1M19 4v4.4h-4.4',
  clock: 'M12 7v5.2l3.2 1.9M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16Z',
  check: 'm6 12.6 4 4 8-9',
};

// A line icon that says nothing to screen readers: the control that holds it has a label.
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  set(svg, { viewBox: '0 0 24 24', class: 'icon', 'aria-hidden': 'true', focusable: 'false' });
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', PATHS[name]);
  svg.appendChild(path);
  return svg;
}
