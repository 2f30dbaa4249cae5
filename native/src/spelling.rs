//! Would a browser tell the given spelling from the canonical one?
//!
//! The canonical form equates a few resources that a browser keeps apart (`/%2561` and `/a`), so
//! over-blocking must be measurable. Browsers are the `url` crate here: the WHATWG parser.
//! A tag is 0 where the browser sees no difference, else a hash of what the browser sees; an entry
//! and a request have the exact same spelling when their tags are equal. Computed on hits only.

use crate::canonical::{Host, Url};
use siphasher::sip::SipHasher13;
use std::hash::Hasher;

pub fn url_tag(raw: &[u8], canonical: &Url<'_>) -> u32 {
    if canonical.plain {
        return 0;
    }
    let mut text = canonical.scheme.as_bytes().to_vec();
    text.extend_from_slice(b"://");
    text.extend_from_slice(&canonical.key());
    compare(as_browser(raw), as_browser(&text), raw)
}

pub fn url_host_tag(raw: &[u8], canonical: &Url<'_>) -> u32 {
    if canonical.plain {
        return 0;
    }
    let host = parse(raw).map(|url| host_text(&url));
    compare(host, utf8(&canonical.host.name), raw)
}

pub fn host_tag(raw: &[u8], canonical: &Host<'_>) -> u32 {
    if *raw == *canonical.name {
        return 0;
    }
    let browser = utf8(raw).and_then(|text| url::Host::parse(&text).ok());
    compare(
        browser.map(|host| unmapped(&host)),
        utf8(&canonical.name),
        raw,
    )
}

fn compare(given: Option<String>, canonical: Option<String>, raw: &[u8]) -> u32 {
    if given.is_some() && given == canonical {
        return 0;
    }
    let mut hasher = SipHasher13::new();
    match given {
        Some(given) => hasher.write(given.as_bytes()),
        None => hasher.write(raw),
    }
    (hasher.finish() as u32).max(1)
}

/// What a browser asks for, without the scheme and fragment, which no entry can depend on.
fn as_browser(raw: &[u8]) -> Option<String> {
    let url = parse(raw)?;
    let mut text = format!("{}:{}@", url.username(), url.password().unwrap_or(""));
    text.push_str(&host_text(&url));
    if let Some(port) = url.port() {
        text.push(':');
        text.push_str(&port.to_string());
    }
    text.push_str(url.path());
    if let Some(query) = url.query() {
        text.push('?');
        text.push_str(query);
    }
    Some(text)
}

fn parse(raw: &[u8]) -> Option<url::Url> {
    let text = utf8(raw)?;
    match url::Url::parse(&text) {
        Ok(url) if url.has_host() => Some(url),
        _ => url::Url::parse(&format!("http://{}", text.trim_start())).ok(),
    }
}

fn host_text(url: &url::Url) -> String {
    url.host()
        .map_or_else(String::new, |host| unmapped(&host.to_owned()))
}

/// An IPv4-mapped IPv6 literal reaches the same server as the IPv4 address, so it is no folding.
fn unmapped(host: &url::Host) -> String {
    match host {
        url::Host::Ipv6(v6) => v6
            .to_ipv4_mapped()
            .map_or_else(|| host.to_string(), |v4| v4.to_string()),
        _ => host.to_string(),
    }
}

fn utf8(raw: &[u8]) -> Option<String> {
    String::from_utf8(raw.to_vec()).ok()
}
