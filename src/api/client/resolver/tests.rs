use std::io::{Read, Write};
use std::net::{Ipv6Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use chrono::DateTime;
use ureq::Agent;
use ureq::unversioned::transport::DefaultConnector;

use super::*;
use crate::base::clock::StandingClock;
use crate::base::screen::Audience;

const URL: &str = "http://a.test/";
const NAME: &str = "a.test:80";

/// Answers look-ups in turn, the last answer for ever; none is an error.
#[derive(Debug, Default)]
struct Counting {
    looked_up: Arc<AtomicUsize>,
    answers: Vec<Vec<SocketAddr>>,
    /// So many threads want an answer before there is one.
    awaited: usize,
    arrived: Arc<AtomicUsize>,
}

impl Resolver for Counting {
    fn resolve(
        &self,
        _: &Uri,
        _: &Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let number = self.looked_up.fetch_add(1, Ordering::SeqCst);
        while self.arrived.load(Ordering::SeqCst) < self.awaited {
            thread::yield_now();
        }
        // Whoever arrived has the time to come here too.
        (0..200 * self.awaited).for_each(|_| thread::yield_now());
        let mut found = self.empty();
        for address in self.answers.get(number).or(self.answers.last()).into_iter().flatten() {
            found.push(*address);
        }
        if found.is_empty() { Err(ureq::Error::HostNotFound) } else { Ok(found) }
    }
}

fn address(last: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, last], 80))
}

fn hosts(inner: Counting) -> (Hosts, Arc<StandingClock>) {
    let clock = Arc::new(StandingClock::at(DateTime::UNIX_EPOCH));
    let log = Arc::new(Log::new(Box::new(io::sink()), clock.clone(), Audience::Program));
    (Hosts::new(inner, clock.clone(), log), clock)
}

fn find(hosts: &Hosts, family: IpFamily) -> Result<Vec<SocketAddr>, ureq::Error> {
    let config = Agent::config_builder().ip_family(family).build();
    let found = hosts.resolve(&Uri::from_static(URL), &config, NextTimeout::default());
    found.map(|addresses| addresses.to_vec())
}

#[test]
fn a_host_is_looked_up_once_a_minute() {
    let (looked_up, answers) = (Arc::default(), vec![vec![address(1)], vec![address(2)]]);
    let inner = Counting { looked_up: Arc::clone(&looked_up), answers, ..Counting::default() };
    let (hosts, clock) = hosts(inner);
    for _ in 0..500 {
        assert_eq!(find(&hosts, IpFamily::Any).unwrap(), [address(1)]);
        clock.sleep(KNOWN_FOR / 501);
    }
    assert_eq!(looked_up.load(Ordering::SeqCst), 1);
    clock.sleep(KNOWN_FOR / 501 + Duration::from_micros(1));
    assert_eq!(find(&hosts, IpFamily::Any).unwrap(), [address(2)]);
}

#[test]
fn all_addresses_are_kept_in_their_order_and_others_are_found_for_another_family() {
    let mut all = (0..15).map(address).collect::<Vec<_>>();
    all.insert(3, SocketAddr::from((Ipv6Addr::LOCALHOST, 80)));
    let (hosts, _) = hosts(Counting { answers: vec![all.clone()], ..Counting::default() });
    assert_eq!(find(&hosts, IpFamily::Any).unwrap(), all);
    assert_eq!(find(&hosts, IpFamily::Any).unwrap(), all);
    assert!(hosts.recall(NAME, IpFamily::Ipv4Only).is_err());
}

#[test]
fn one_thread_looks_up_what_many_need() {
    let (looked_up, arrived) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let inner = Counting {
        looked_up: Arc::clone(&looked_up),
        answers: vec![vec![address(1)]],
        awaited: 8,
        arrived: Arc::clone(&arrived),
    };
    let (hosts, _) = hosts(inner);
    let seek = || {
        arrived.fetch_add(1, Ordering::SeqCst);
        find(&hosts, IpFamily::Any).unwrap()
    };
    thread::scope(|scope| (0..8).for_each(|_| drop(scope.spawn(seek))));
    assert_eq!(looked_up.load(Ordering::SeqCst), 1);
}

#[test]
fn a_failure_is_shared_by_those_who_waited_for_it_and_by_nobody_else() {
    let looked_up = Arc::<AtomicUsize>::default();
    let (hosts, _) = hosts(Counting { looked_up: Arc::clone(&looked_up), ..Counting::default() });
    let before = hosts.recall(NAME, IpFamily::Any).unwrap_err();
    assert!(matches!(find(&hosts, IpFamily::Any), Err(ureq::Error::HostNotFound)));
    let shared = hosts.failed_since(NAME, before);
    assert!(matches!(shared, Some(ureq::Error::HostNotFound)));
    let after = hosts.recall(NAME, IpFamily::Any).unwrap_err();
    assert!(hosts.failed_since(NAME, after).is_none());
    assert!(find(&hosts, IpFamily::Any).is_err());
    assert_eq!(looked_up.load(Ordering::SeqCst), 2);
}

#[test]
fn an_error_keeps_its_kind_and_its_words() {
    let error = io::Error::new(io::ErrorKind::NotFound, "failed to lookup address information");
    assert_eq!(copied(&error.into()).to_string(), "io: failed to lookup address information");
    let timeout = copied(&ureq::Error::Timeout(ureq::Timeout::Resolve));
    assert!(matches!(timeout, ureq::Error::Timeout(ureq::Timeout::Resolve)));
}

/// A port on which nobody listens, at these addresses.
fn closed() -> [SocketAddr; 2] {
    let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    [(Ipv6Addr::LOCALHOST, port).into(), ([127, 0, 0, 1], port).into()]
}

/// A server that answers every connection once.
fn open() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4_096]);
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
        }
    });
    address
}

/// An agent whose hosts are where these answers say, and how often it looked one up.
fn agent(answers: Vec<Vec<SocketAddr>>) -> (Agent, Arc<AtomicUsize>) {
    let looked_up = Arc::default();
    let inner = Counting { looked_up: Arc::clone(&looked_up), answers, ..Counting::default() };
    let (hosts, _) = hosts(inner);
    let connector = Connecting { connector: DefaultConnector::default(), hosts: hosts.clone() };
    let config = Agent::config_builder().proxy(None).build();
    (Agent::with_parts(config, connector, hosts), looked_up)
}

#[test]
fn where_nobody_listens_the_next_address_is_tried() {
    let [one, other] = closed();
    let (agent, looked_up) = agent(vec![vec![one, other, open()]]);
    for _ in 0..3 {
        assert_eq!(agent.get(URL).call().unwrap().status(), 204);
    }
    assert_eq!(looked_up.load(Ordering::SeqCst), 1);
}

#[test]
fn a_host_whose_addresses_take_no_connection_is_looked_up_anew() {
    let (agent, looked_up) = agent(vec![closed().to_vec(), vec![open()]]);
    assert!(agent.get(URL).call().is_err());
    assert_eq!(agent.get(URL).call().unwrap().status(), 204);
    assert_eq!(agent.get(URL).call().unwrap().status(), 204);
    assert_eq!(looked_up.load(Ordering::SeqCst), 2);
}

#[test]
fn what_others_found_meanwhile_is_not_forgotten() {
    let answers = vec![vec![address(1)], vec![address(2)]];
    let (hosts, clock) = hosts(Counting { answers, ..Counting::default() });
    let config = Agent::config_builder().build();
    let uri = Uri::from_static(URL);
    let first = hosts.resolve(&uri, &config, NextTimeout::default()).unwrap();
    clock.sleep(KNOWN_FOR);
    let second = hosts.resolve(&uri, &config, NextTimeout::default()).unwrap();
    hosts.forget(&uri, &first);
    assert_eq!(hosts.recall(NAME, IpFamily::Any), Ok(second.clone()));
    hosts.forget(&uri, &second);
    assert_eq!(hosts.recall(NAME, IpFamily::Any), Err(2));
}
