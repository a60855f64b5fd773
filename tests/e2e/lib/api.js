// The API for pages, held to its own description: every request and every answer is checked against `openapi.json`.

import assert from "node:assert/strict";
import Ajv2020 from "ajv/dist/2020.js";

/** What OpenAPI says of numbers beside JSON Schema. */
const FORMATS = { int32: true, int64: true };

export class Api {
  #validator = new Ajv2020({ strict: false, formats: FORMATS, allErrors: true });

  constructor(url, document) {
    this.url = url;
    this.document = document;
    this.used = new Set();
    this.#validator.addSchema(document, "api");
  }

  static async of(url) {
    const response = await fetch(`${url}/api/v1/openapi.json`);
    assert.equal(response.headers.get("content-type"), "application/json");
    return new Api(url, await response.json());
  }

  get operations() {
    return Object.values(this.document.paths).map((path) => path.post.operationId);
  }

  /** Reads the answer of an operation that was asked for in another way than `as` does. */
  async answered(operation, response) {
    const answer = await response.json();
    assert.equal(response.status, 200, `${operation}: ${JSON.stringify(answer)}`);
    this.#fits(operation, "responses/200/content", answer);
    return answer;
  }

  /** Does an operation that must succeed. */
  async as(user, operation, payload = {}) {
    this.#fits(operation, "requestBody/content", payload);
    const response = await this.post(user, operation, JSON.stringify(payload));
    const answer = await response.json();
    assert.equal(response.status, 200, `${operation}: ${JSON.stringify(answer)}`);
    assert.equal(answer.ok, true);
    this.#fits(operation, "responses/200/content", answer);
    this.used.add(operation);
    return answer;
  }

  /** Does one that must be refused, with that status and code. */
  async refused(user, operation, payload, status, code) {
    const error = await this.failed(await this.post(user, operation, JSON.stringify(payload)), status, code);
    assert.match(error.message, /\w+ \w+/);
    return error;
  }

  /** Reads a response that is a refusal. */
  async failed(response, status, code) {
    const answer = await response.json();
    assert.deepEqual([response.status, answer.ok, answer.error?.code], [status, false, code], JSON.stringify(answer));
    this.#fits("sync", "responses/default/content", answer);
    return answer.error;
  }

  post(user, operation, body, headers = {}) {
    const query = user === undefined ? "" : `?userId=${user}`;
    const given = { "content-type": "application/json", ...headers };
    return fetch(`${this.url}/api/v1/${operation}${query}`, { method: "POST", headers: given, body });
  }

  #fits(operation, where, value) {
    const path = `api#/paths/~1api~1v1~1${operation}/post/${where}/application~1json/schema`;
    const fits = this.#validator.getSchema(path);
    assert.ok(fits, `${path} is described`);
    assert.ok(fits(value), `${operation}, ${where}: ${JSON.stringify(fits.errors)}\n${JSON.stringify(value)}`);
  }
}
