// The pages' sources as files: old WebViews can read them, they find each other, and they say everything in both languages.

import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, extname, join, relative, resolve } from "node:path";
import { describe, it } from "node:test";
import { parse } from "acorn";

const WEB = resolve(import.meta.dirname, "../../../imserver/web");
const all = readdirSync(WEB, { recursive: true }).map((name) => join(WEB, name));
const scripts = all.filter((name) => extname(name) === ".js");
const own = scripts.filter((name) => !relative(WEB, name).startsWith("vendor"));
const text = (name) => readFileSync(name, "utf8");

/** The syntax of 2017: what came later, a WebView of that time stops at. */
const BASELINE = { ecmaVersion: 8, sourceType: "module" };
/** What came later without being syntax, and would be missed only when it is called. */
const LATER = /\.(flat|flatMap|at|findLast|replaceAll|matchAll|trimEnd|trimStart|allSettled|any|replaceChildren|toSorted)\(|Object\.fromEntries|structuredClone|queueMicrotask|globalThis/;

describe("the pages' sources", () => {
  it("are written in the JavaScript of 2017, what is vendored included", () => {
    assert.ok(own.length > 40 && scripts.length > own.length, `${own.length} of ${scripts.length}`);
    for (const name of scripts) assert.doesNotThrow(() => parse(text(name), BASELINE), name);
  });

  it("call nothing newer", () => {
    for (const name of own) assert.doesNotMatch(text(name).replace(/^\s*(\/\/|\*|\/\*).*$/gm, ""), LATER, name);
  });

  it("are styled with what was known then, where it carries the page", () => {
    for (const name of all.filter((one) => extname(one) === ".css")) {
      assert.doesNotMatch(text(name), /[{;]\s*inset:|:is\(|:where\(|:has\(|&:/, name);
      for (const [selector] of text(name).matchAll(/[^{}]*:focus-visible[^{}]*(?=\{)/g)) assert.doesNotMatch(selector, /,/, name);
    }
  });

  it("import what is there, and the client core imports nothing of the pages", () => {
    for (const name of own) {
      for (const [, address] of text(name).matchAll(/(?:from|import) "(\.[^"]+)"/g)) {
        const target = resolve(dirname(name), address);
        assert.ok(existsSync(target), `${name} imports ${address}`);
        const isCore = relative(WEB, name).startsWith("client");
        assert.ok(!isCore || /^(client|vendor)/.test(relative(WEB, target)), `${name} imports ${address}`);
      }
    }
    for (const name of all.filter((one) => extname(one) === ".html")) {
      for (const [, address] of text(name).matchAll(/(?:src|href)="\/v\/0\/([^"]+)"/g)) {
        assert.ok(existsSync(join(WEB, address)), `${name} names ${address}`);
      }
    }
  });

  it("say everything in both languages, and nothing that is never said", async () => {
    const { zh } = await import(join(WEB, "ui/words-zh.js"));
    const { en } = await import(join(WEB, "ui/words-en.js"));
    const months = (key) => !key.startsWith("month");
    assert.deepEqual(Object.keys(en).filter(months).sort(), Object.keys(zh).sort());
    const code = own.filter((name) => !/words-/.test(name)).map(text).join("\n");
    const said = [...code.matchAll(/say\(\s*(?:[^"()]*\? )?"([a-z0-9_]+)"(?:\s*:\s*"([a-z0-9_]+)")?/gi)].flatMap(([, one, other]) => [one, other]).filter(Boolean);
    assert.ok(said.length > 100, `${said.length}`);
    for (const key of said.filter((one) => !/_$|^weekday$|^month$/.test(one))) assert.ok(key in zh, `${key} is said nowhere`);
    const made = /^(error|status|key|kind|ended|weekday|month)_?|_more$/;
    for (const key of Object.keys(zh).filter((one) => !made.test(one))) assert.ok(code.includes(`"${key}"`), `nothing says ${key}`);
  });
});
