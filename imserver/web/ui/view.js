// What draws: Preact with tagged templates instead of a compiler.

export {
  html, render, Component, useState, useEffect, useLayoutEffect, useRef, useMemo, useCallback,
} from "../vendor/preact.esm.js";
