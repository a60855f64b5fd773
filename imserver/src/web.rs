//! The pages, built into the binary.
//!
//! ```text
//!   /  /pc  /wap  /merchant      a document: asked for each time, it names the version of everything it loads
//!   /v/<version>/ui/chat.js      what it loads: of this version it never changes, so a browser keeps it for good
//!   /embed.js                    what other sites load: under one name for ever, asked for each time
//! ```
//!
//! A version is a hash of all files. While a new release is rolled out, a process may be asked for the version of another: it
//! gives what it has, to be kept by nobody. A debug build reads the files when it starts, so they can be worked on without cargo.

use crate::config::Pages;
use crate::site::Site;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;

#[derive(RustEmbed)]
#[folder = "web/"]
struct Embedded;

/// Address and file of what is asked for under a name of its own.
const DOCUMENTS: [(&str, &str); 4] =
    [("/", "index.html"), ("/pc", "pc.html"), ("/wap", "wap.html"), ("/merchant", "merchant.html")];

/// What a document says in place of the version, and of the settings that it hands to its scripts.
const VERSION: &str = "/v/0/";
const SETTINGS: &str = "%settings%";

const FOR_GOOD: &str = "public, max-age=31536000, immutable";
const ASK_AGAIN: &str = "no-cache";
const NOT_AT_ALL: &str = "no-store";

/// Below this nothing is won by packing.
const WORTH_PACKING: usize = 500;

/// All files, ready to go out.
struct Files {
    version: String,
    files: HashMap<String, File>,
    policy: HeaderValue,
}

struct File {
    plain: Bytes,
    packed: Option<Bytes>,
    kind: &'static str,
    tag: HeaderValue,
}

/// The routes of the pages.
pub(crate) fn router(site: &Arc<Site>) -> Router {
    let config = site.config();
    let library = format!("{}socket.io.js", config.engine.path);
    let settings = serde_json::json!({
        "path": config.engine.path,
        "dev": config.auth.is_dev(),
        "login_url": config.pages.login_url,
        "recall_within_ms": config.chat.recall_within_ms,
    });
    let files = Arc::new(Files::load(&config.pages, &settings.to_string()));
    let mut router = Router::new();
    for (address, name) in DOCUMENTS {
        router = router.route(address, get(move |State(files), headers| document(files, name, headers)));
    }
    if config.auth.is_dev() {
        router = router.route("/demo/{name}", get(demo));
    }
    router
        .route(&library, get(|State(files), headers| document(files, "vendor/socket.io.min.js", headers)))
        .route("/embed.js", get(|State(files), headers| embedded(files, headers)))
        .route("/favicon.svg", get(|State(files), headers| document(files, "favicon.svg", headers)))
        .route("/v/{version}/{*path}", get(versioned))
        .with_state(files)
}

async fn document(files: Arc<Files>, name: &'static str, request: HeaderMap) -> Response {
    files.serve(name, &request, ASK_AGAIN)
}

/// The script of other sites' pages, which may load it whatever they isolate themselves from.
async fn embedded(files: Arc<Files>, request: HeaderMap) -> Response {
    let mut response = files.serve("embed.js", &request, ASK_AGAIN);
    let policy = HeaderName::from_static("cross-origin-resource-policy");
    response.headers_mut().insert(policy, HeaderValue::from_static("cross-origin"));
    response
}

/// Portraits of the people of development: a profile names them, so their address is the same in every version.
async fn demo(State(files): State<Arc<Files>>, Path(name): Path<String>, request: HeaderMap) -> Response {
    files.serve(&format!("demo/{name}"), &request, ASK_AGAIN)
}

async fn versioned(
    State(files): State<Arc<Files>>,
    Path((version, path)): Path<(String, String)>,
    request: HeaderMap,
) -> Response {
    let keep = if version == files.version { FOR_GOOD } else { NOT_AT_ALL };
    files.serve(&path, &request, keep)
}

impl Files {
    fn load(config: &Pages, settings: &str) -> Self {
        let mut names: Vec<_> = Embedded::iter().collect();
        names.sort_unstable();
        let named = names.into_iter().filter_map(|name| Some((kind(&name)?, Embedded::get(&name)?.data, name)));
        let named: Vec<_> = named.collect();
        let mut hash = Sha256::new();
        for (_, data, name) in &named {
            hash.update(name.as_bytes());
            hash.update(data);
        }
        let version = short(&hash.finalize());
        let settings = escape(settings);
        let dressed = |data: Vec<u8>, name: &str| match String::from_utf8(data) {
            Ok(text) if name.ends_with(".html") => {
                text.replace(VERSION, &format!("/v/{version}/")).replace(SETTINGS, &settings).into_bytes()
            }
            Ok(text) if name.ends_with(".js") && !name.starts_with("vendor/") => without_comments(&text).into_bytes(),
            Ok(text) => text.into_bytes(),
            Err(bytes) => bytes.into_bytes(),
        };
        let files = named.into_iter().map(|(kind, data, name)| {
            let file = File::new(kind, dressed(data.into_owned(), &name));
            (name.into_owned(), file)
        });
        Self { files: files.collect(), policy: policy(&config.picture_sources), version }
    }

    fn serve(&self, path: &str, request: &HeaderMap, keep: &'static str) -> Response {
        let Some(file) = self.files.get(path) else {
            let headers = [(header::CACHE_CONTROL, NOT_AT_ALL)];
            return (StatusCode::NOT_FOUND, headers, "there is no such page\n").into_response();
        };
        let packed = file.packed.as_ref().filter(|_| takes_gzip(request));
        let mut response = if request.get(header::IF_NONE_MATCH) == Some(&file.tag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            Response::new(Body::from(packed.unwrap_or(&file.plain).clone()))
        };
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.kind));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if file.is_document() {
            headers.insert(header::CONTENT_SECURITY_POLICY, self.policy.clone());
            headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        }
        headers.insert(header::ETAG, file.tag.clone());
        if file.packed.is_some() {
            headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        }
        if packed.is_some() {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }
}

impl File {
    /// What a browser shows by itself, and so must not do as it likes: a drawing can hold scripts as a page can.
    fn is_document(&self) -> bool {
        ["text/html", "image/svg"].iter().any(|kind| self.kind.starts_with(kind))
    }

    fn new(kind: &'static str, plain: Vec<u8>) -> Self {
        let tag = format!("W/\"{}\"", short(&Sha256::digest(&plain)));
        let tag = HeaderValue::try_from(tag).unwrap_or(HeaderValue::from_static("W/\"\""));
        let packed = pack(&plain).filter(|packed| packed.len() < plain.len());
        Self { plain: plain.into(), packed: packed.map(Bytes::from), kind, tag }
    }
}

/// A script without the lines that are for people: they are a third of it, and phones would load them. Lines keep their
/// numbers. In our own scripts no line of a text begins like a comment; a test reads them with and without.
fn without_comments(script: &str) -> String {
    let mut is_inside = false;
    let lines = script.lines().map(|line| {
        let text = line.trim_start();
        let begins = !is_inside && text.starts_with("/*");
        let is_comment = is_inside || begins || text.starts_with("//");
        is_inside = (is_inside || begins) && !text.contains("*/");
        if is_comment { "" } else { line }
    });
    lines.flat_map(|line| [line, "\n"]).collect()
}

fn pack(plain: &[u8]) -> Option<Vec<u8>> {
    if plain.len() < WORTH_PACKING {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).ok()?;
    encoder.finish().ok()
}

fn takes_gzip(request: &HeaderMap) -> bool {
    let accepted = request.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|one| {
        let mut parts = one.split(';').map(str::trim);
        let is_gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        is_gzip && !parts.any(|part| part.trim_start_matches("q=").parse() == Ok(0.0))
    })
}

/// Nothing but our own files runs, and nobody frames the pages. Pictures of products and people come from where the
/// configuration says.
fn policy(picture_sources: &[String]) -> HeaderValue {
    let sources = picture_sources.join(" ");
    let policy = format!(
        "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data: blob: {sources}; style-src 'self'; \
         script-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
    );
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'self'"))
}

/// As the value of an attribute.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

fn short(hash: &[u8]) -> String {
    hash[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Of what is meant to go out; notes and types are for who works here.
fn kind(path: &str) -> Option<&'static str> {
    match path.rsplit('.').next()? {
        "html" => Some("text/html; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "css" => Some("text/css; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        "txt" => Some("text/plain; charset=utf-8"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_left_out_and_lines_keep_their_numbers() {
        let script = "// What it is.\nlet a = 1; // stays\n/**\n * Two\n */\n  /* one */\nlet b = \"//\";\n";
        assert_eq!(without_comments(script), "\nlet a = 1; // stays\n\n\n\n\nlet b = \"//\";\n");
    }

    #[test]
    fn who_does_not_take_gzip_is_not_given_it() {
        let accepts = |value: &'static str| {
            takes_gzip(&HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(value))]))
        };
        assert!(accepts("br, GZIP;q=0.5") && accepts("gzip"));
        assert!(!accepts("gzip;q=0") && !accepts("br") && !accepts("x-gzip-not"));
    }
}
