//! The key is in nothing that is printed, whatever an API echoes, wherever, and however it is written there.
//! But for the records: what the API sends as data is data.

use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use stand_in::{Action, Fault, OnAnswer, Options, StandIn};

use crate::support::{Ran, Tap, stand_in_with};

/// With letters that are written in another way in addresses, in JSON and in HTML.
const KEY: &str = "inc_live+a/b=c~0123456789abcdef&<x>;z";
/// So many letters of it in a row are too many.
const TOO_MANY: usize = 10;

/// The ways in which an echo may be written.
fn forms() -> Vec<(&'static str, String)> {
    let each = |spell: fn(u8) -> String| KEY.bytes().map(spell).collect::<String>();
    let odd = |byte: u8| !byte.is_ascii_alphanumeric();
    let some = |spell: fn(u8) -> String| {
        let spelled = KEY
            .bytes()
            .map(|byte| if odd(byte) { spell(byte) } else { char::from(byte).to_string() });
        spelled.collect::<String>()
    };
    vec![
        ("as it is", KEY.to_owned()),
        ("with its header", format!("Authorization: Bearer {KEY}")),
        ("in an address", some(|byte| format!("%{byte:02X}"))),
        ("in an address, small", some(|byte| format!("%{byte:02x}"))),
        ("in an address within an address", some(|byte| format!("%25{byte:02X}"))),
        ("all in percents", each(|byte| format!("%{byte:02X}"))),
        ("in JSON", json!(KEY).to_string().trim_matches('"').to_owned()),
        ("in JSON of PHP", KEY.replace('/', "\\/")),
        ("in JSON of Go", some(|byte| format!("\\u{byte:04x}"))),
        ("all in escapes", each(|byte| format!("\\u{byte:04X}"))),
        ("in HTML", html(KEY)),
        ("in HTML of numbers", some(|byte| format!("&#{byte};"))),
        ("in HTML of hexadecimals", some(|byte| format!("&#x{byte:02X};"))),
        ("in base64", BASE64_STANDARD.encode(KEY)),
        ("in base64 of addresses", BASE64_URL_SAFE.encode(KEY)),
        ("in base64 with its header", BASE64_STANDARD.encode(format!("Bearer {KEY}"))),
        ("in base64 behind a name", BASE64_STANDARD.encode(format!("x:{KEY}"))),
    ]
}

fn html(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// What of the key can be got out of a text, by whoever undoes all of this.
fn found(text: &str) -> Option<String> {
    let mut readings = vec![text.to_owned()];
    for _ in 0..2 {
        let last = readings.last().unwrap();
        readings.push(percent_decode_str(last).decode_utf8_lossy().into_owned());
    }
    readings.push(unescaped(text));
    readings.push(without_entities(text));
    readings.push(without_entities(&unescaped(text)));
    for reading in &readings {
        for start in 0..=KEY.len() - TOO_MANY {
            let part = &KEY[start..start + TOO_MANY];
            if reading.contains(part) {
                return Some(part.to_owned());
            }
        }
    }
    for before in ["", "x", "xx"] {
        for engine in [BASE64_STANDARD, BASE64_URL_SAFE] {
            let encoded = engine.encode(format!("{before}{KEY}"));
            for start in 4..encoded.len() - 4 - 2 * TOO_MANY {
                let part = &encoded[start..start + 2 * TOO_MANY];
                if text.contains(part) {
                    return Some(part.to_owned());
                }
            }
        }
    }
    None
}

/// A text without backslashes; those of numbers are letters.
fn unescaped(text: &str) -> String {
    let mut plain = String::new();
    let mut parts = text.split('\\');
    plain.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let number = part.strip_prefix('u').and_then(|rest| rest.get(..4));
        match number.and_then(|number| u8::from_str_radix(number, 16).ok()) {
            Some(byte) => {
                plain.push(char::from(byte));
                plain.push_str(&part[5..]);
            }
            None => plain.push_str(part),
        }
    }
    plain
}

fn without_entities(text: &str) -> String {
    let mut plain = text.to_owned();
    for byte in 0x20..0x7f_u8 {
        for entity in [format!("&#{byte};"), format!("&#x{byte:02X};")] {
            plain = plain.replace(&entity, &char::from(byte).to_string());
        }
    }
    let named = [("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")];
    named.iter().fold(plain, |plain, (entity, letter)| plain.replace(entity, letter))
}

/// A server of this key.
fn server(on_answer: Option<OnAnswer>) -> StandIn {
    let key = KEY.to_owned();
    stand_in_with(Options { key, page_cap: Some(10), on_answer, ..Options::default() })
}

/// Where runs of these streams against a server let the key out, however they log: the file with their
/// summary is looked at, too.
fn leaks(stand_in: &StandIn, streams: &str) -> Vec<String> {
    let mut leaks = Vec::new();
    for format in ["text", "json"] {
        let tap = Tap::of(stand_in).set("api_key", KEY).set("log_level", "debug");
        let tap = tap.set("max_retries", "1").set("log_format", format);
        let folder = tempfile::tempdir().unwrap();
        let summary = folder.path().join("summary.json");
        let tap = tap.arg("--summary-file").arg(summary.to_str().unwrap());
        let ran = tap.arg("--select").arg(streams).run();
        assert!(![1, 2].contains(&ran.code) && !ran.stderr.contains("panicked"), "{}", ran.stderr);
        leaks.extend(leaks_of(&ran));
        let summary = std::fs::read_to_string(summary).unwrap();
        leaks.extend(found(&summary).map(|part| format!("{part} in {summary}")));
    }
    leaks
}

/// Where a run has let the key out: in its log, or in a message that is no record.
fn leaks_of(ran: &Ran) -> Vec<String> {
    let is_data = |line: &&String| line.starts_with(r#"{"type":"RECORD""#);
    let messages = ran.lines.iter().filter(|line| !is_data(line)).map(String::as_str);
    let mut leaks = Vec::new();
    for line in ran.stderr.lines().chain(messages) {
        leaks.extend(found(line).map(|part| format!("{part} in {line}")));
    }
    leaks
}

/// Some of the forms, of each kind one.
fn few() -> Vec<(&'static str, String)> {
    let few = ["as it is", "in an address", "all in escapes", "in HTML of numbers"];
    forms().into_iter().filter(|(form, _)| few.contains(form)).collect()
}

/// Fails where the key gets out when one list is answered so, with each of these forms of it.
fn answered(forms: &[(&str, String)], actions: impl IntoIterator<Item = Box<Answer>>) {
    let (stand_in, mut all) = (server(None), Vec::new());
    for action in actions {
        for (form, echo) in forms {
            stand_in.fault(Fault::always("/v1/severities", action(echo)));
            let leaks = leaks(&stand_in, "severities");
            all.extend(leaks.into_iter().map(|leak| format!("{form}: {leak}")));
            assert!(stand_in.calm() > 0, "it was not asked for");
        }
    }
    assert!(all.is_empty(), "{}:\n{}", all.len(), all.join("\n"));
}

/// What a server answers that echoes a text.
type Answer = dyn Fn(&str) -> Action;

#[test]
fn the_search_finds_the_key_in_every_form() {
    for (form, echo) in forms() {
        assert!(found(&format!("before {echo} behind")).is_some(), "{form}: {echo}");
        assert!(found(&json!(echo).to_string()).is_some(), "{form}: {echo}");
    }
    assert_eq!(found("INFO done streams=1 of 1"), None);
}

#[test]
fn the_line_of_the_status_and_headers_may_echo_it() {
    let heads = [
        "HTTP/1.1 500 ECHO\r\n",
        "HTTP/1.1 200 ECHO\r\nContent-Length: x\r\n",
        "HTTP/1.1 ECHO\r\n",
        "HTTP/1.1 302 Found\r\nLocation: https://api.example/?key=ECHO\r\n",
        "HTTP/1.1 302 Found\r\nLocation: ECHO\r\n",
        "HTTP/1.1 429 Slow\r\nRetry-After: ECHO\r\n",
        "HTTP/1.1 200 OK\r\nDate: ECHO\r\n",
        "HTTP/1.1 200 OK\r\nX-RateLimit-Limit: ECHO\r\nX-RateLimit-Remaining: ECHO\r\n",
        "HTTP/1.1 200 OK\r\nContent-Type: ECHO\r\n",
        "HTTP/1.1 200 OK\r\nContent-Encoding: ECHO\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: ECHO\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: ECHO\r\n",
        "HTTP/1.1 200 OK\r\nECHO: x\r\n",
        "ECHO",
    ];
    let answer = |head: &'static str| -> Box<Answer> {
        Box::new(move |echo| {
            Action::Raw(format!("{}\r\n{{}}", head.replace("ECHO", echo)).into_bytes())
        })
    };
    answered(&few(), heads.map(answer));
}

/// Bodies that echo a text.
const BODIES: [fn(&str) -> String; 10] = [
    |echo| echo.to_owned(),
    |echo| format!("<html>{echo}</html>"),
    |echo| json!(echo).to_string(),
    |echo| json!([echo]).to_string(),
    |echo| json!({"message": echo}).to_string(),
    |echo| json!({"error": {"message": echo, "code": echo}}).to_string(),
    |echo| json!({"type": echo, "request_id": echo, "errors": []}).to_string(),
    |echo| {
        let error = json!({"code": echo, "message": echo, "metadata": {"scope": echo}});
        json!({"request_id": echo, "errors": [error]}).to_string()
    },
    |echo| json!({"severities": [{"name": echo}]}).to_string(),
    |echo| format!("{{\"severities\": [{{\"id\": \"{echo}"),
];

#[test]
fn bodies_of_any_status_may_echo_it() {
    let mut answers = Vec::<Box<Answer>>::new();
    for status in [200, 204, 301, 400, 401, 403, 404, 429, 502] {
        for body in BODIES {
            answers.push(Box::new(move |echo| Action::StatusBody(status, body(echo))));
        }
    }
    answered(&few(), answers);
}

#[test]
fn an_echo_in_any_form_may_be_cut_anywhere() {
    // Of what others say 60, 80 or 500 letters are shown.
    let mut answers = Vec::<Box<Answer>>::new();
    for before in [0, 20, 31, 40, 47, 52, 60, 65, 71, 440, 465, 480, 490] {
        let before = "x".repeat(before);
        let said = move |echo: &str| json!({"message": format!("{before}{echo}")}).to_string();
        let is_short = said("").len() < 100;
        answers.push(Box::new(move |echo| {
            if is_short {
                Action::StatusBody(200, said(echo).split_off(12))
            } else {
                Action::StatusBody(400, said(echo))
            }
        }));
    }
    answered(&forms(), answers);
}

/// Fails where the key gets out when answers whose address begins so are changed, with some forms of it.
fn changed(path: &'static str, change: fn(&mut Value, &str), streams: &str) {
    let mut all = Vec::new();
    let echo = Arc::new(Mutex::new(String::new()));
    let current = Arc::clone(&echo);
    let stand_in = server(Some(Box::new(move |target, body| {
        if target.starts_with(path) {
            change(body, &current.lock().unwrap());
        }
    })));
    for (form, written) in few().into_iter().take(3) {
        *echo.lock().unwrap() = written;
        let leaks = leaks(&stand_in, streams);
        all.extend(leaks.into_iter().map(|leak| format!("{form}: {leak}")));
    }
    assert!(all.is_empty(), "{}:\n{}", all.len(), all.join("\n"));
}

#[test]
fn whoever_the_key_is_said_to_be_of_may_echo_it() {
    let identity = |body: &mut Value, echo: &str| {
        for field in ["name", "organisation_name", "organisation_id", "dashboard_url"] {
            body["identity"][field] = json!(echo);
        }
        body["identity"]["roles"] = json!([echo]);
        body["identity"]["teams"] = json!([{"id": echo, "name": echo}]);
    };
    changed("/v1/identity", identity, "severities");
    changed("/v1/identity", identity, "incidents");
    let other = |body: &mut Value, echo: &str| *body = json!({"identity": echo});
    changed("/v1/identity", other, "severities");
}

#[test]
fn names_of_fields_may_echo_it() {
    let fields = |body: &mut Value, echo: &str| {
        body[echo] = json!(1);
        body["severities"][0][echo] = json!(1);
        body["severities"][1]["rank"] = json!({echo: echo});
        body["severities"][2]["created_at"] = json!(echo);
    };
    changed("/v1/severities", fields, "severities");
}

#[test]
fn ids_and_keys_may_echo_it() {
    let parents = |body: &mut Value, echo: &str| body["schedules"][0]["id"] = json!(echo);
    changed("/v2/schedules", parents, "schedules,schedule_overrides");
    let twice = |body: &mut Value, echo: &str| {
        body["severities"][0]["id"] = json!(echo);
        body["severities"][1]["id"] = json!(echo);
    };
    changed("/v1/severities", twice, "severities");
    let incidents = |body: &mut Value, echo: &str| body["incidents"][0]["id"] = json!(echo);
    changed("/v2/incidents", incidents, "incidents,incident_attachments");
}

#[test]
fn cursors_may_echo_it() {
    let cursor = |body: &mut Value, echo: &str| body["pagination_meta"]["after"] = json!(echo);
    changed("/v2/incidents", cursor, "incidents");
    let odd = |body: &mut Value, echo: &str| body["pagination_meta"]["after"] = json!([echo]);
    changed("/v2/incidents", odd, "incidents");
    let odd = |body: &mut Value, echo: &str| body["pagination_meta"] = json!(echo);
    changed("/v2/incidents", odd, "incidents");
}

#[test]
fn refusals_of_what_is_asked_for_beyond_the_document_may_echo_it() {
    let (stand_in, mut all) = (server(None), Vec::new());
    for (form, echo) in few() {
        let body = json!({"type": echo, "errors": [{"code": echo, "message": echo}]}).to_string();
        stand_in.fault(Fault::always("/v2/incidents*page_size=1&", Action::StatusBody(422, body)));
        let leaks = leaks(&stand_in, "incidents");
        all.extend(leaks.into_iter().map(|leak| format!("{form}: {leak}")));
        let _hits = stand_in.calm();
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn a_record_that_holds_it_is_written_as_it_is() {
    let on_answer: OnAnswer = Box::new(|target, body| {
        if target.starts_with("/v1/severities") {
            body["severities"][0]["description"] = json!(KEY);
        }
    });
    let stand_in = server(Some(on_answer));
    let ran = Tap::of(&stand_in).set("api_key", KEY).only(&["severities"]).run().ok();
    assert!(ran.column("severities", "description").contains(&KEY.to_owned()));
    assert_eq!(leaks_of(&ran), Vec::<String>::new());
}
