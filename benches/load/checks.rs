//! Checks per second: the same requests to the bare route and to rolecall, in turns.

use std::{path::Path, time::Duration};

use crate::{
    Outcome, Plan,
    machine::{self, CONNECTIONS, Cores, Usage},
    report::{self, Table, median},
    seed::Seeded,
    server::Server,
    wrk::{self, Look},
};

/// One kind of request.
pub struct Load {
    title: &'static str,
    /// Which cookies go along.
    cookies: fn(&Seeded) -> &Path,
    /// What rolecall answers.
    expected: u16,
}

/// Those that memory answers.
pub const LOADS: [Load; 4] = [
    Load { title: "allowed, 1 session", cookies: |seeded| &seeded.one, expected: 200 },
    Load {
        title: "allowed, spread over 1,000 sessions",
        cookies: |seeded| &seeded.thousand,
        expected: 200,
    },
    Load {
        title: "allowed, spread over 100,000 sessions",
        cookies: |seeded| &seeded.all,
        expected: 200,
    },
    Load {
        title: "refused, 1,000 forged cookies",
        cookies: |seeded| &seeded.forged,
        expected: 401,
    },
];

/// Those that the database answers, where memory has room for one session.
pub const MISSES: [Load; 1] = [Load {
    title: "allowed, 1,000 sessions that memory does not hold",
    cookies: |seeded| &seeded.thousand,
    expected: 200,
}];

/// Who answers. The first of several is what the others are compared with.
pub struct Target<'a> {
    name: &'static str,
    server: &'a Server,
    path: &'static str,
    seeded: &'a Seeded,
    /// The one answer it has, if it has one.
    always: Option<u16>,
    /// The parent of the processes that work for it.
    helpers: Option<u32>,
    /// What it takes instead of the cookies of the load.
    cookies: Option<&'a Path>,
}

impl<'a> Target<'a> {
    pub fn new(
        name: &'static str,
        server: &'a Server,
        path: &'static str,
        seeded: &'a Seeded,
    ) -> Self {
        Self { name, server, path, seeded, always: None, helpers: None, cookies: None }
    }

    /// Answers everything so.
    pub fn expecting(self, status: u16) -> Self {
        let always = Some(status);
        Self { always, ..self }
    }

    /// Takes digests instead of cookies.
    pub fn with_digests(self) -> Self {
        Self { cookies: Some(&self.seeded.digests), ..self }
    }

    /// The children of this process work for it too.
    pub fn beside(self, helpers: Option<u32>) -> Self {
        Self { helpers, ..self }
    }

    fn expected(&self, load: &Load) -> u16 {
        self.always.unwrap_or(load.expected)
    }

    fn helpers_cpu(&self) -> Outcome<Duration> {
        self.helpers.map_or(Ok(Duration::ZERO), machine::cpu_of_children)
    }

    fn send(&self, cores: Cores, load: &Load, seconds: u64, look: Look) -> Outcome<wrk::Found> {
        let url = self.server.url(self.path);
        wrk::run(&cores.load.to_string(), &url, self.cookies(load), seconds, look)
    }

    fn cookies(&self, load: &Load) -> &Path {
        self.cookies.unwrap_or_else(|| (load.cookies)(self.seeded))
    }

    /// Until every cookie has been sent once. Returns what was wrong with the answers.
    fn warm_up(&self, cores: Cores, load: &Load) -> Outcome<Option<String>> {
        let cookies = std::fs::read_to_string(self.cookies(load))?.lines().count();
        let mut seconds = 1;
        loop {
            let found = self.send(cores, load, seconds, Look::Statuses)?;
            let problem = found.problem(self.expected(load));
            if problem.is_some() || found.requests >= cookies as u64 {
                return Ok(problem);
            }
            seconds *= 2;
        }
    }
}

/// What all rounds found for one load on one target.
#[derive(Default)]
struct Row {
    per_second: Vec<f64>,
    p99_ms: Vec<f64>,
    /// Of the first target in the same round.
    ratio: Vec<f64>,
    server_us: Vec<f64>,
    helpers_us: Vec<f64>,
    /// How much of the load's core was in use.
    load_core: Vec<f64>,
    problem: Option<String>,
}

impl Row {
    /// Measures once. Returns requests per second.
    fn add(&mut self, plan: Plan, cores: Cores, load: &Load, target: &Target) -> Outcome<f64> {
        let (server, helpers) = (target.server.cpu()?, target.helpers_cpu()?);
        let load_core = Usage::of_core(cores.load)?;
        let found = target.send(cores, load, plan.seconds, Look::Errors)?;
        self.load_core.push(load_core.since()?);
        let (server, helpers) =
            (target.server.cpu()? - server, target.helpers_cpu()?.saturating_sub(helpers));
        let each = |used: Duration| used.as_secs_f64() * 1e6 / found.requests as f64;
        self.per_second.push(found.per_second());
        self.p99_ms.push(found.p99.as_secs_f64() * 1e3);
        self.server_us.push(each(server));
        self.helpers_us.push(each(helpers));
        self.problem = self.problem.take().or_else(|| found.problem(target.expected(load)));
        Ok(found.per_second())
    }
}

/// Measures every load on every target, round by round.
pub fn measure(
    plan: Plan,
    cores: Cores,
    (of, loads): (&str, &[Load]),
    targets: &[Target],
) -> Outcome<Table> {
    let mut rows: Vec<Row> = Vec::new();
    // Every status is looked at here, which also warms up; afterwards only whether one is an
    // error, so that the load tool is not what is measured.
    for load in loads {
        for target in targets {
            rows.push(Row { problem: target.warm_up(cores, load)?, ..Row::default() });
        }
    }
    for round in 1..=plan.rounds {
        println!("checks, round {round} of {}", plan.rounds);
        for (load, rows) in loads.iter().zip(rows.chunks_mut(targets.len())) {
            let mut first = None;
            for (target, row) in targets.iter().zip(rows) {
                let per_second = row.add(plan, cores, load, target)?;
                row.ratio.push(per_second / *first.get_or_insert(per_second));
            }
        }
    }
    let title = format!(
        "Checks: `GET /auth/check?role=admin`, {CONNECTIONS} connections, a core for the server"
    );
    let header = [
        "Requests",
        "Answered by",
        "Per second",
        "p99 ms",
        of,
        "CPU µs each",
        "and database",
        "Load core",
    ];
    let mut table = Table::new(title, &header);
    for (load, rows) in loads.iter().zip(rows.chunks(targets.len())) {
        for (target, row) in targets.iter().zip(rows) {
            table.row([
                load.title.to_owned(),
                target.name.to_owned(),
                report::count(median(&row.per_second)),
                format!("{:.2}", median(&row.p99_ms)),
                report::ratio(&row.ratio),
                format!("{:.1}", median(&row.server_us)),
                target
                    .helpers
                    .map(|_| format!("{:.1}", median(&row.helpers_us)))
                    .unwrap_or_default(),
                format!("{:.0} %", median(&row.load_core) * 100.0),
            ]);
            table.problem(row.problem.as_deref());
        }
    }
    Ok(table)
}
