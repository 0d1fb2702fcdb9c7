//! The body of an answer: of any stream, under some catalogs, out of it comes what a plain reader finds.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use proptest::prelude::*;
use tap_incident::singer::catalog::Selected;

use crate::body::Author;
use crate::choices::Choices;
use crate::chosen::{Chosen, comparable, streams};
use crate::made::{made, split};
use crate::tree::Tree;
use crate::twist::{any_field, any_twists};

/// So many catalogs are tried of each stream. Making one takes longer than reading a body.
const CATALOGS: u8 = 8;
/// A tree is built as deep as that, which no answer comes near.
const DEEPEST: usize = 100;

/// The first byte says which stream, the second whether the rest is a body or makes one, and which catalog.
pub fn check(bytes: &[u8]) {
    let ([stream, form], rest) = split(bytes);
    let chosen = chosen(stream, form >> 1 & (CATALOGS - 1));
    if form & 1 == 0 {
        check_raw(&chosen, rest);
    } else {
        check_authored(&chosen, rest);
    }
}

/// The body is these bytes.
fn check_raw(chosen: &Chosen, body: &[u8]) {
    let came = chosen.outcome(body);
    let tree = match std::str::from_utf8(body) {
        Ok(text) if depth(text) > DEEPEST => return,
        Ok(text) => Tree::parse(text).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    let should = tree.and_then(|tree| chosen.expected(&tree));
    compare(chosen, (came, should), &String::from_utf8_lossy(body));
}

/// The body is one that the schema would have, mostly, and the bytes choose what is in it.
fn check_authored(chosen: &Chosen, bytes: &[u8]) {
    let Selected { stream, known, .. } = &chosen.selected;
    let mut author = Author { stream, schema: known, choices: Choices::of(bytes.to_vec()) };
    let body = author.body();
    let text = body.spelled(&mut author.choices);
    compare(chosen, (chosen.outcome(text.as_bytes()), chosen.expected(&body)), &text);
}

type Read = Result<crate::reading::Outcome, String>;

fn compare(chosen: &Chosen, (came, should): (Read, Read), text: &str) {
    let stream = chosen.selected.stream;
    let came = came.map(|came| comparable(came, stream));
    let should = should.map(|should| comparable(should, stream));
    match (came, should) {
        (Ok(came), Ok(should)) => assert_eq!(came, should, "{}: {text}", stream.name),
        (Err(_), Err(_)) => {}
        (came, should) => panic!("{}: {text}\n{came:?}\n{should:?}", stream.name),
    }
}

/// How many brackets are open at a time, at most; those in texts count, too.
fn depth(text: &str) -> usize {
    let (mut open, mut deepest) = (0_usize, 0);
    for byte in text.bytes() {
        match byte {
            b'[' | b'{' => open += 1,
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(open);
    }
    deepest
}

/// A stream, under its own catalog or under one of several that say otherwise.
fn chosen(stream: u8, catalog: u8) -> Rc<Chosen> {
    thread_local! {
        static MADE: RefCell<HashMap<(u8, u8), Rc<Chosen>>> = RefCell::default();
    }
    let new = || {
        let number = u16::from_le_bytes([catalog, stream]);
        let added = prop::collection::vec(("[^\0]{1,4}", any_field()), 0..3);
        let (twists, added) = match catalog {
            0 => (Vec::new(), Vec::new()),
            _ => (made(&any_twists(8), number), made(&added, number)),
        };
        let streams = streams();
        Rc::new(Chosen::of(streams[usize::from(stream) % streams.len()], &twists, &added))
    };
    MADE.with_borrow_mut(|made| Rc::clone(made.entry((stream, catalog)).or_insert_with(new)))
}
