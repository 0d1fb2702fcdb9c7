//! In which order requests are sent and pages delivery over, whatever the order of the answers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use stand_in::NOW;
use tap_incident::api::client::Answer;
use tap_incident::api::limit::Limiter;
use tap_incident::base::error::{ApiMessage, Error};
use tap_incident::page::Reader;
use tap_incident::record::Projection;
use tap_incident::record::lines::Lines;
use tap_incident::source::request::{Request, Series};
use tap_incident::source::slice::Cut;
use tap_incident::source::stream::Shape;
use tap_incident::sources::incident_io::INCIDENT_IO;
use tap_incident::sync::fetch::list::{Feed, List};
use tap_incident::sync::fetch::queue::{Delivery, Growth, Next, Queue, Work};
use tap_incident::sync::pager::Step;

const AMPLE: usize = 64 << 20;

/// A list as the table of streams has it.
fn list(name: &str, feed: Option<Feed>) -> List {
    let stream = INCIDENT_IO.named(name).unwrap();
    let known = json!({"properties": {"id": {}, "created_at": {}}});
    let projection = Projection::new(&known, &known, &Value::Null);
    let reader = Reader::new(stream, stream.shape, projection, Vec::new()).noting_creation();
    List {
        reader: Arc::new(reader),
        series: vec![Series::of(Request::new(stream.path))],
        cut: Cut::of(stream),
        parents: feed.map(|feed| (&stream.parents[0], feed)).into_iter().collect(),
        parents_changed: None,
        moved: None,
        whole: None,
        most_parents: usize::MAX,
        start: None,
        upto: None,
    }
}

/// The same, whose records are written: its pages take room.
fn written(name: &str) -> List {
    let stream = INCIDENT_IO.named(name).unwrap();
    let known = json!({"properties": {"id": {}}});
    let projection = Projection::new(&known, &known, &Value::Null);
    let reader = Reader::new(stream, stream.shape, projection, Vec::new()).emitting().unwrap();
    List { reader: Arc::new(reader), ..list(name, None) }
}

/// Everything that may be sent now.
fn sent(queue: &mut Queue) -> Vec<Work> {
    let mut limiter = Limiter::new(&INCIDENT_IO.quotas, 0);
    let next = || match queue.next(&mut limiter, Duration::ZERO) {
        Next::Send(work) => Some(*work),
        Next::Wait(..) | Next::Nothing => None,
    };
    std::iter::from_fn(next).collect()
}

fn targets(works: &[Work]) -> Vec<String> {
    works.iter().map(|work| work.pager.request().to_string()).collect()
}

/// Puts back a page with these ids, and a cursor where one follows.
fn put(queue: &mut Queue, work: Work, ids: &[&str], after: Option<&str>) {
    let records = ids.iter().map(|id| json!({"id": id})).collect::<Vec<_>>();
    put_records(queue, work, &records, after);
}

fn put_records(queue: &mut Queue, mut work: Work, records: &[Value], after: Option<&str>) {
    let mut body = json!({"pagination_meta": {"after": after}});
    let Shape::List(field) = work.reader.stream().shape else { panic!() };
    body[field] = records.into();
    let body = body.to_string();
    let answer = Answer { date: None, sent_at: NOW, received_at: NOW };
    let step = work.pager.step(Ok((answer, body.as_bytes())), &work.reader, Lines::default(), NOW);
    queue.put(work, Some(step));
}

/// What is delivery over of a list by now: how many records each page had.
fn delivery(queue: &mut Queue, list: usize) -> Vec<u64> {
    let next = || match queue.take(list) {
        Some(Delivery::Page(_, fetched)) => Some(fetched.page.received),
        Some(Delivery::Broken(..) | Delivery::End) | None => None,
    };
    std::iter::from_fn(next).collect()
}

#[test]
fn small_lists_are_fetched_side_by_side_and_handed_over_in_order() {
    let lists = ["severities", "incident_types", "users"].map(|name| list(name, None));
    let mut queue = Queue::new(lists.into(), 8, AMPLE);
    let mut works = sent(&mut queue);
    assert_eq!(targets(&works), ["/v1/severities", "/v1/incident_types", "/v2/users"]);
    put(&mut queue, works.pop().unwrap(), &["a", "b", "c"], None);
    put(&mut queue, works.pop().unwrap(), &["a", "b"], None);
    assert!(queue.take(0).is_none(), "the first is not there yet");
    put(&mut queue, works.pop().unwrap(), &["a"], None);
    for (number, expected) in [1, 2, 3].into_iter().enumerate() {
        assert_eq!(delivery(&mut queue, number), [expected]);
        assert!(matches!(queue.take(number), Some(Delivery::End)));
    }
}

#[test]
fn no_more_requests_are_under_way_than_allowed() {
    let lists = ["severities", "incident_types", "users"].map(|name| list(name, None));
    let mut queue = Queue::new(lists.into(), 2, AMPLE);
    let mut works = sent(&mut queue);
    assert_eq!(works.len(), 2);
    put(&mut queue, works.pop().unwrap(), &[], None);
    assert_eq!(targets(&sent(&mut queue)), ["/v2/users"]);
}

#[test]
fn the_next_page_is_fetched_while_this_one_is_written_and_no_further_than_there_is_room() {
    for (budget, ahead) in [(0, 1), (3 << 19, 3)] {
        let mut queue = Queue::new(vec![list("users", None)], 1, budget);
        for page in 1..=ahead {
            let work = sent(&mut queue).pop().unwrap();
            // A page that takes half a megabyte.
            let ids = vec!["x"; 400_000];
            put(&mut queue, work, &ids[..page], Some(&page.to_string()));
        }
        assert_eq!(targets(&sent(&mut queue)).len(), usize::from(budget > 0), "{budget}");
        assert!(matches!(queue.take(0), Some(Delivery::Page(..))));
    }
}

#[test]
fn where_there_is_no_room_only_what_is_written_next_is_fetched() {
    let lists = ["users", "severities"].map(|name| list(name, None));
    let mut queue = Queue::new(lists.into(), 8, 0);
    assert_eq!(targets(&sent(&mut queue)), ["/v2/users"]);
}

#[test]
fn an_endpoint_without_room_in_its_quota_holds_up_nobody_else() {
    let lists = ["incidents", "alerts"].map(|name| list(name, None));
    let mut queue = Queue::new(lists.into(), 8, AMPLE);
    let mut limiter = Limiter::new(&INCIDENT_IO.quotas, 0);
    (0..60).for_each(|_| limiter.take("/v2/incidents", Duration::ZERO));
    let Next::Send(work) = queue.next(&mut limiter, Duration::ZERO) else { panic!() };
    assert_eq!(work.pager.request().to_string(), "/v2/alerts");
    let Next::Wait(wait, reason) = queue.next(&mut limiter, Duration::ZERO) else { panic!() };
    assert_eq!(
        (wait.as_secs_f64().round(), reason.to_string().as_str()),
        (1.0, "for the rate limit of /v2/incidents")
    );
}

#[test]
fn children_are_asked_for_while_their_parents_are_read_after_one_was_tried() {
    let lists = vec![
        list("call_routes", None),
        list("call_route_options", Some(Feed { list: 0, number: 0 })),
    ];
    let mut queue = Queue::new(lists, 8, AMPLE);
    let parents = sent(&mut queue).pop().unwrap();
    for id in ["a", "b", "b", "c"] {
        queue.feed(Feed { list: 0, number: 0 }, &[id.to_owned()]);
    }
    let mut first = sent(&mut queue);
    assert_eq!(targets(&first), ["/v2/call_routes/a/options"]);
    put(&mut queue, first.pop().unwrap(), &[], None);
    let others = sent(&mut queue);
    assert_eq!(targets(&others), ["/v2/call_routes/b/options", "/v2/call_routes/c/options"]);
    put(&mut queue, parents, &["a", "b", "c"], None);
    assert_eq!(delivery(&mut queue, 0), [3]);
    queue.complete(Feed { list: 0, number: 0 });
    assert_eq!(delivery(&mut queue, 1), [0]);
    assert!(queue.take(1).is_none(), "two are under way");
}

#[test]
fn children_are_not_taken_for_as_large_as_the_pages_of_their_parents() {
    let feed = Feed { list: 0, number: 0 };
    let lists = vec![written("call_routes"), list("call_route_options", Some(feed))];
    let mut queue = Queue::new(lists, 64, AMPLE);
    let parents = sent(&mut queue).pop().unwrap();
    let names =
        (0..100).map(|number| format!("{number}{}", "x".repeat(90_000))).collect::<Vec<_>>();
    put(&mut queue, parents, &names.iter().map(String::as_str).collect::<Vec<_>>(), None);
    assert_eq!(delivery(&mut queue, 0), [100]);
    (0..100).for_each(|number| queue.feed(feed, &[number.to_string()]));
    let first = sent(&mut queue).pop().unwrap();
    put(&mut queue, first, &[], None);
    // So many pages of nine megabytes would have no room.
    assert_eq!(sent(&mut queue).len(), 64);
}

#[test]
fn children_are_fetched_as_far_ahead_as_it_pays_while_the_pages_of_their_parents_come() {
    for (most_running, ahead) in [(8, 79), (32, 639), (64, 2_559)] {
        let feed = Feed { list: 0, number: 0 };
        let lists = vec![list("call_routes", None), list("call_route_options", Some(feed))];
        let mut queue = Queue::new(lists, most_running, AMPLE);
        let _parents = sent(&mut queue);
        (0..4_000).for_each(|number| queue.feed(feed, &[number.to_string()]));
        let mut fetched = 0;
        loop {
            let works = sent(&mut queue);
            if works.is_empty() {
                break;
            }
            fetched += works.len();
            for work in works {
                put(&mut queue, work, &[], None);
            }
        }
        assert_eq!(fetched, ahead, "at {most_running}");
    }
}

#[test]
fn an_answer_is_taken_for_the_largest_page_of_its_list_so_far() {
    let mut queue = Queue::new(vec![written("users")], 8, 12 << 20);
    let first = sent(&mut queue).pop().unwrap();
    let names = (0..80).map(|number| format!("{number}{}", "x".repeat(90_000))).collect::<Vec<_>>();
    put(&mut queue, first, &names.iter().map(String::as_str).collect::<Vec<_>>(), Some("1"));
    assert_eq!(targets(&sent(&mut queue)), [""; 0], "two pages of seven megabytes");
    assert_eq!(delivery(&mut queue, 0), [80]);
    assert_eq!(targets(&sent(&mut queue)).len(), 1);
}

#[test]
fn a_request_that_is_put_off_holds_up_no_other_parent() {
    let mut queue =
        Queue::new(vec![list("call_route_options", Some(Feed { list: 0, number: 0 }))], 8, AMPLE);
    queue.feed(Feed { list: 0, number: 0 }, &["a".to_owned()]);
    let mut first = sent(&mut queue).pop().unwrap();
    first.pager.not_before = Duration::from_secs(30);
    queue.put(first, None);
    queue.feed(Feed { list: 0, number: 0 }, &["b".to_owned()]);
    assert_eq!(targets(&sent(&mut queue)), ["/v2/call_routes/b/options"]);
}

#[test]
fn what_became_of_a_second_parent_keeps_nobody_from_asking_for_the_first_again() {
    let feed = Feed { list: 0, number: 0 };
    let mut queue = Queue::new(vec![list("call_route_options", Some(feed))], 8, AMPLE);
    for id in ["a", "b", "c"] {
        queue.feed(feed, &[id.to_owned()]);
    }
    let mut first = sent(&mut queue).pop().unwrap();
    first.pager.not_before = Duration::from_secs(30);
    queue.put(first, None);
    let mut second = sent(&mut queue).pop().unwrap();
    let error =
        Error::NotFound { is_gone: true, target: String::new(), api: ApiMessage::default() };
    let step = second.pager.step(Err(error), &second.reader, Lines::default(), NOW);
    queue.put(second, Some(step));
    let mut limiter = Limiter::new(&INCIDENT_IO.quotas, 0);
    let next = queue.next(&mut limiter, Duration::ZERO);
    assert!(matches!(next, Next::Wait(..)), "one tells as much as hundreds: {next:?}");
    let Next::Send(work) = queue.next(&mut limiter, Duration::from_secs(30)) else { panic!() };
    assert_eq!(work.pager.request().to_string(), "/v2/call_routes/a/options");
}

#[test]
fn a_large_answer_of_a_second_parent_keeps_nobody_from_asking_for_the_first_again() {
    let feed = Feed { list: 1, number: 0 };
    let lists = vec![list("call_route_options", Some(feed)), list("call_routes", None)];
    let mut queue = Queue::new(lists, 8, 1 << 20);
    for id in ["a", "b"] {
        queue.feed(feed, &[id.to_owned()]);
    }
    assert!(queue.take(0).is_none());
    let mut first = sent(&mut queue).swap_remove(0);
    first.pager.not_before = Duration::from_secs(30);
    queue.put(first, None);
    let second = sent(&mut queue).swap_remove(0);
    assert_eq!(second.pager.request().to_string(), "/v2/call_routes/b/options");
    // Nothing of the list may be sent until this answer is there, however much waits besides.
    assert_eq!(queue.grow(&second, 2 << 20), Growth::Granted);
}

#[test]
fn a_long_list_is_read_in_slices_and_handed_over_oldest_first() {
    let mut queue = Queue::new(vec![list("alerts", None)], 64, AMPLE);
    let work = sent(&mut queue).pop().unwrap();
    let at = |day| json!({"id": "x", "created_at": format!("2025-11-{day}T00:00:00Z")});
    put_records(&mut queue, work, &[at(20), at(21)], Some("next"));
    assert!(queue.take(0).is_none(), "the first page is dropped");
    let slices = sent(&mut queue);
    assert_eq!(slices.len(), 7);
    assert!(targets(&slices)[0].starts_with("/v2/alerts?created_at%5Blte%5D=2026-01-1"));
    assert!(targets(&slices)[6].starts_with("/v2/alerts?created_at%5Bgte%5D=2026-09-2"));
    // The answers come in another order than the requests were sent.
    let mut sizes = BTreeMap::new();
    for (number, work) in slices.into_iter().enumerate().rev() {
        let ids = vec!["x"; number];
        sizes.insert(work.place.clone(), number);
        put(&mut queue, work, &ids, None);
    }
    let expected = sizes.into_values().map(|size| size as u64).collect::<Vec<_>>();
    assert_eq!(delivery(&mut queue, 0), expected);
    assert!(matches!(queue.take(0), Some(Delivery::End)));
}

#[test]
fn a_list_that_is_read_again_is_not_cut_for_it_has_handed_over_pages() {
    let mut queue = Queue::new(vec![list("alerts", None)], 8, AMPLE);
    let work = sent(&mut queue).pop().unwrap();
    let at = |time: &str| json!({"id": "x", "created_at": format!("{time}T00:00:00Z")});
    put_records(&mut queue, work, &[at("2021-11-20"), at("2025-11-20")], Some("lost"));
    let mut work = sent(&mut queue).pop().unwrap();
    let (target, api) = ("/v2/alerts".to_owned(), ApiMessage::default());
    let lost = Err(Error::NotFound { is_gone: true, target, api });
    let step = work.pager.step(lost, &work.reader, Lines::default(), NOW);
    assert!(matches!(step, Step::Again(_)));
    queue.put(work, Some(step));
    let work = sent(&mut queue).pop().unwrap();
    put_records(&mut queue, work, &[at("2025-11-20"), at("2025-11-21")], Some("found"));
    assert_eq!(targets(&sent(&mut queue)), ["/v2/alerts?after=found"]);
    assert_eq!(delivery(&mut queue, 0), [2, 2]);
}

#[test]
fn where_the_key_is_refused_nothing_later_is_asked_for() {
    let lists = ["severities", "incident_types", "users"].map(|name| list(name, None));
    let mut queue = Queue::new(lists.into(), 2, AMPLE);
    let mut works = sent(&mut queue);
    let mut work = works.pop().unwrap();
    let error = Error::Unauthorized(ApiMessage::default());
    let step = work.pager.step(Err(error), &work.reader, Lines::default(), NOW);
    assert!(matches!(step, Step::Broken(_)));
    queue.put(work, Some(step));
    assert_eq!(sent(&mut queue).len(), 0);
}

#[test]
fn a_list_that_is_closed_takes_no_room() {
    let lists = ["users", "teams"].map(|name| list(name, None));
    let mut queue = Queue::new(lists.into(), 1, 3 << 19);
    let work = sent(&mut queue).pop().unwrap();
    put(&mut queue, work, &vec!["x"; 100], Some("1"));
    queue.close(0);
    assert!(matches!(queue.take(0), Some(Delivery::End)));
    assert_eq!(targets(&sent(&mut queue)), ["/v3/teams"]);
}

const MEGABYTE: usize = 1 << 20;

#[test]
fn large_answers_wait_for_room_but_for_the_one_that_is_written_next() {
    let lists = ["severities", "incident_types", "users", "teams"].map(|name| list(name, None));
    let mut queue = Queue::new(lists.into(), 8, 8 * MEGABYTE);
    let works = sent(&mut queue);
    assert_eq!(works.len(), 4);
    assert_eq!(queue.grow(&works[1], 5 * MEGABYTE), Growth::Granted);
    assert_eq!(queue.grow(&works[2], 5 * MEGABYTE), Growth::NotYet);
    assert_eq!(queue.grow(&works[2], 3 * MEGABYTE), Growth::Granted, "it fits");
    for _ in 0..20 {
        assert_eq!(queue.grow(&works[0], MEGABYTE), Growth::Granted, "it is written next");
    }
    assert_eq!(queue.grow(&works[1], 1), Growth::NotYet);
    let mut works = works.into_iter();
    put(&mut queue, works.next().unwrap(), &["a"], None);
    let rest = works.collect::<Vec<_>>();
    assert_eq!(queue.grow(&rest[0], 1), Growth::NotYet, "the writer has not come to it");
    assert_eq!(delivery(&mut queue, 0), [1]);
    assert!(queue.take(1).is_none());
    assert_eq!(queue.grow(&rest[0], MEGABYTE), Growth::Granted, "now it is written next");
}

#[test]
fn while_an_answer_waits_for_room_nothing_is_asked_for_but_what_is_written_next() {
    let lists = ["users", "severities", "incident_types"].map(|name| list(name, None));
    let mut queue = Queue::new(lists.into(), 2, 8 * MEGABYTE);
    let mut works = sent(&mut queue);
    let (other, head) = (works.pop().unwrap(), works.pop().unwrap());
    assert_eq!(queue.grow(&other, 9 * MEGABYTE), Growth::NotYet);
    put(&mut queue, head, &["a"], Some("more"));
    assert!(sent(&mut queue).is_empty(), "the head is there, and waits for the writer");
    assert_eq!(delivery(&mut queue, 0), [1]);
    assert_eq!(targets(&sent(&mut queue)).len(), 1);
}

#[test]
fn where_all_that_run_would_wait_one_goes_on() {
    let lists = ["users", "severities", "incident_types"].map(|name| list(name, None));
    let mut queue = Queue::new(lists.into(), 2, 8 * MEGABYTE);
    let mut works = sent(&mut queue);
    let (first, head) = (works.pop().unwrap(), works.pop().unwrap());
    put(&mut queue, head, &["a"], Some("more"));
    let second = sent(&mut queue).pop().unwrap();
    assert_eq!(queue.grow(&first, 9 * MEGABYTE), Growth::NotYet);
    assert_eq!(queue.grow(&second, 9 * MEGABYTE), Growth::Granted);
    assert_eq!(queue.grow(&first, 9 * MEGABYTE), Growth::NotYet);
}

#[test]
fn an_answer_that_nobody_wants_any_more_gets_no_room() {
    let mut queue = Queue::new(vec![list("users", None)], 2, AMPLE);
    let work = sent(&mut queue).pop().unwrap();
    queue.close(0);
    assert_eq!(queue.grow(&work, 1), Growth::Unwanted);
    assert!(!queue.is_wanted(&work));
}

#[test]
fn fewer_requests_run_where_there_are_fewer_threads() {
    let lists = ["users", "severities", "incident_types"].map(|name| list(name, None));
    let mut queue = Queue::new(lists.into(), 8, AMPLE);
    queue.limit(2);
    assert_eq!(sent(&mut queue).len(), 2);
}
