// SPDX-License-Identifier: MIT OR Apache-2.0

//! Servers that belong together: a cluster, and a master with its replica and sentinels.

use super::servers::{Server, next_address, wait_for};

pub const LINES: [&str; 5] = [
    "cluster-enabled yes",
    "cluster-node-timeout 1000",
    "cluster-announce-ip ADDRESS",
    "cluster-replica-validity-factor 0",
    "user mail on >secret ~mtasts:1:* +get +set +del +eval +evalsha +scan +ping +cluster|slots +asking",
];

/// What each of three primaries has.
const RANGES: [[&str; 2]; 3] = [["0", "5460"], ["5461", "10922"], ["10923", "16383"]];

pub struct Cluster {
    pub primaries: Vec<Server>,
    /// Of the first primary.
    pub replica: Server,
}

impl Cluster {
    pub fn start(start: impl Fn() -> Server) -> Self {
        let primaries: Vec<_> = RANGES.iter().map(|_| start()).collect();
        let replica = start();
        let first = &primaries[0];
        for (number, server) in primaries.iter().chain([&replica]).enumerate() {
            let epoch = (number + 1).to_string();
            ok(server, &["cluster", "set-config-epoch", &epoch]);
            ok(
                server,
                &["cluster", "meet", &first.address.to_string(), "6379"],
            );
        }
        for (server, [begin, end]) in primaries.iter().zip(RANGES) {
            ok(server, &["cluster", "addslotsrange", begin, end]);
        }
        let cluster = Self { primaries, replica };
        cluster.wait("cluster_known_nodes:4");
        let id = cluster.primaries[0].cli(&["cluster", "myid"]);
        ok(&cluster.replica, &["cluster", "replicate", &id]);
        wait_for("the replica follows", || {
            let info = cluster.replica.cli(&["info", "replication"]);
            info.contains("role:slave") && info.contains("master_link_status:up")
        });
        for server in cluster.nodes() {
            let is_known = || server.cli(&["cluster", "nodes"]).contains("slave");
            wait_for("all know the replica", is_known);
        }
        cluster
    }

    pub fn nodes(&self) -> impl Iterator<Item = &Server> {
        self.primaries.iter().chain([&self.replica])
    }

    /// Waits until all nodes agree that all is well, and that it is so.
    pub fn wait(&self, line: &str) {
        for server in self.nodes() {
            wait_for("the cluster is ready", || {
                let info = server.cli(&["cluster", "info"]);
                info.contains("cluster_state:ok") && info.contains(line)
            });
        }
    }

    /// One address that is down, and two nodes, with a user who has the rights that the
    /// documentation names.
    pub fn url(&self) -> String {
        let [one, two] = [1, 0].map(|at: usize| self.primaries[at].address);
        format!("redis+cluster://mail:secret@{},{one},{two}", next_address())
    }

    pub fn wait_replicated(&self) {
        wait_for("all is replicated", || {
            self.replica.size() == self.primaries[0].size()
        });
    }
}

pub fn plain() -> Server {
    Server::start(&LINES)
}

pub fn ok(server: &Server, command: &[&str]) {
    assert_eq!(server.cli(command), "OK", "{command:?}");
}

pub struct Watched {
    pub master: Server,
    pub replica: Server,
    pub sentinels: Vec<Server>,
}

impl Watched {
    /// A master, a replica, and three sentinels that know of each other. `lines` are for the
    /// servers, `watch` for the sentinels.
    pub fn start(lines: &[&str], watch: &[&str]) -> Self {
        let all: Vec<_> = lines
            .iter()
            .copied()
            .chain(["replica-announce-ip ADDRESS"])
            .collect();
        let master = Server::start(&all);
        let follow = format!("replicaof {} 6379", master.address);
        let replica = Server::start(&[&all[..], &[&follow]].concat());
        let monitor = format!("sentinel monitor mail {} 6379 2", master.address);
        let mut conf = vec![
            monitor.as_str(),
            "sentinel announce-ip ADDRESS",
            "sentinel down-after-milliseconds mail 500",
            "sentinel failover-timeout mail 3000",
        ];
        conf.extend(watch);
        let sentinels: Vec<_> = (0..3).map(|_| Server::start_sentinel(&conf)).collect();
        for sentinel in &sentinels {
            wait_for("the sentinels know all", || {
                let master = sentinel.cli(&["sentinel", "master", "mail"]);
                let lines: Vec<_> = master.lines().collect();
                let is = |pair: [&str; 2]| lines.windows(2).any(|two| two == pair);
                is(["num-slaves", "1"]) && is(["num-other-sentinels", "2"])
            });
        }
        Self {
            master,
            replica,
            sentinels,
        }
    }

    pub fn url(&self, login: &str, options: &str) -> String {
        let hosts = self.sentinels.iter().map(|sentinel| sentinel.address);
        let mut hosts: Vec<_> = hosts.map(|address| address.to_string()).collect();
        hosts.insert(0, next_address().to_string()); // one that is down
        format!(
            "redis+sentinel://{login}{}/mail/1{options}",
            hosts.join(",")
        )
    }
}
