//! Record throughput: from a body in memory to a pipe beside other ways to do the same, and from the
//! socket to a pipe. Prints the median of CPU time and the best throughput, and fails where a promise of
//! README is not kept. Linux only.
//!   cargo bench --bench records                       without the Meltano SDK
//!   cargo bench --bench records -- --sdk PYTHON       with the SDK that this Python has
//!   cargo bench --bench records -- --once STREAM N    reads N pages and measures nothing

mod cost;
mod pages;
mod sdk;
mod tap;
mod ways;

use std::error::Error;
use std::io::{self, Write};

use cost::Cost;
use pages::Case;
use ways::Way;

/// How often everything is measured.
const ROUNDS: usize = 5;

type Anything<T> = Result<T, Box<dyn Error>>;

/// What README promises of a stream.
struct Promise {
    /// Throughput in times that of a tree, and CPU time in parts of its.
    tree: f64,
    /// Throughput in times the Meltano SDK's.
    sdk: f64,
    /// Throughput in parts of a plain copy's.
    copy: f64,
    /// Nanoseconds of CPU time for a byte from the socket.
    socket: f64,
}

const INCIDENTS: Promise = Promise { tree: 4.0, sdk: 25.0, copy: 0.5, socket: 3.0 };
const USERS: Promise = Promise { tree: 2.5, sdk: 25.0, copy: 0.15, socket: 3.0 };

fn main() -> Anything<()> {
    let arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let arguments = arguments.collect::<Vec<_>>();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => compare(None),
        ["--sdk", python] => compare(Some(python)),
        ["--once", stream, count] => {
            let case = if *stream == "users" { Case::users()? } else { Case::incidents()? };
            Way::Ours.run(&case, count.parse()?, io::sink())
        }
        _ => Err("the arguments are --sdk PYTHON, or --once STREAM PAGES".into()),
    }
}

fn compare(python: Option<&str>) -> Anything<()> {
    let mut broken = Vec::new();
    for (case, promise) in [(Case::incidents()?, INCIDENTS), (Case::users()?, USERS)] {
        ways::agree(&case)?;
        let costs = Costs::measure(&case, python)?;
        say(&costs.table(&case))?;
        for Ratio { what, is, promised, is_kept } in costs.ratios(&promise) {
            say(&format!("  {what:36}{is:8.2}   {promised}\n"))?;
            if !is_kept {
                broken.push(format!("{}: {what} is {is:.2}, not {promised}", case.stream.name));
            }
        }
    }
    if broken.is_empty() { Ok(()) } else { Err(broken.join("; ").into()) }
}

/// What the ways to do it cost.
struct Costs {
    ours: Cost,
    tree: Cost,
    copy: Cost,
    wide_copy: Cost,
    sdk: Option<Cost>,
    socket: Cost,
}

impl Costs {
    /// What is typical of all rounds; a round measures each way once, so that all share the weather.
    fn measure(case: &Case, python: Option<&str>) -> Anything<Self> {
        let mut costs = [const { Vec::new() }; 6];
        let [ours, tree, copy, wide_copy, sdk, socket] = &mut costs;
        let api = tap::Api::start(case)?;
        for _ in 0..ROUNDS {
            ours.push(Way::Ours.measure(case)?);
            tree.push(Way::Tree.measure(case)?);
            copy.push(Way::Copy.measure(case)?);
            wide_copy.push(Way::WideCopy.measure(case)?);
            socket.push(api.measure(case)?);
            if let Some(python) = python {
                sdk.push(sdk::measure(case, python)?);
            }
        }
        let [ours, tree, copy, wide_copy, sdk, socket] = costs.map(|costs| cost::typical(&costs));
        let missing = "nothing was measured";
        Ok(Self {
            ours: ours.ok_or(missing)?,
            tree: tree.ok_or(missing)?,
            copy: copy.ok_or(missing)?,
            wide_copy: wide_copy.ok_or(missing)?,
            socket: socket.ok_or(missing)?,
            sdk,
        })
    }

    fn table(&self, case: &Case) -> String {
        let rows = [
            ("ours", Some(&self.ours)),
            ("serde_json::Value", Some(&self.tree)),
            ("plain copy", Some(&self.copy)),
            ("in a wide pipe", Some(&self.wide_copy)),
            ("Meltano SDK", self.sdk.as_ref()),
            ("socket to pipe", Some(&self.socket)),
        ];
        let rows = rows.into_iter().filter_map(|(name, cost)| {
            let cost = cost?;
            let (speed, nanoseconds) = (cost.speed(), cost.nanoseconds());
            Some(format!("  {name:20}{speed:9.1} MB/s{nanoseconds:9.2} CPU ns a byte\n"))
        });
        let (name, count) = (case.stream.name, case.records);
        let head = format!("{name}, {count} a page of {} bytes each\n", case.body.len() / count);
        head + &rows.collect::<String>()
    }

    fn ratios(&self, promise: &Promise) -> Vec<Ratio> {
        let Self { ours, tree, copy, sdk, socket, .. } = self;
        let of_copy = ours.speed() / copy.speed();
        let of_tree = tree.nanoseconds() / ours.nanoseconds();
        let mut ratios = vec![
            Ratio::at_least(
                "throughput, times a tree's",
                ours.speed() / tree.speed(),
                promise.tree,
            ),
            Ratio::at_least("CPU time of a tree, times ours", of_tree, promise.tree),
            Ratio::at_most("socket to pipe, CPU ns a byte", socket.nanoseconds(), promise.socket),
            Ratio::at_least("throughput, parts of a plain copy's", of_copy, promise.copy),
        ];
        if let Some(sdk) = sdk {
            let of_sdk = ours.speed() / sdk.speed();
            ratios.push(Ratio::at_least("throughput, times the SDK's", of_sdk, promise.sdk));
        }
        ratios
    }
}

/// Something that README promises.
struct Ratio {
    what: &'static str,
    is: f64,
    promised: String,
    is_kept: bool,
}

impl Ratio {
    fn at_least(what: &'static str, is: f64, promised: f64) -> Self {
        Self { what, is, promised: format!("at least {promised}"), is_kept: is >= promised }
    }

    fn at_most(what: &'static str, is: f64, promised: f64) -> Self {
        Self { what, is, promised: format!("at most {promised}"), is_kept: is <= promised }
    }
}

fn say(text: &str) -> io::Result<()> {
    io::stderr().write_all(text.as_bytes())
}
