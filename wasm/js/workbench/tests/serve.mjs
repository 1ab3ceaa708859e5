// SPDX-License-Identifier: MIT OR Apache-2.0
// serve.mjs SERVER PLACE FOLDER: starts a web server with PLACE/configuration in the network that it
// finds, asks it as a sender does, and fails where it does not serve PLACE/policy and nothing else.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { get } from "node:https";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

const [, , server, place, folder] = process.argv;
const servers = process.env.WEB_SERVERS;
const HOST = "mta-sts.example.com";
const PATH = "/.well-known/mta-sts.txt";
const libraries = `${servers}/usr/lib/x86_64-linux-gnu`;
const env = {
  ...process.env,
  LD_LIBRARY_PATH: libraries,
  XDG_DATA_HOME: `${place}/data`,
  XDG_CONFIG_HOME: `${place}/config`,
};

/** Debian's nginx has these below /var/lib. */
const TEMPORARY = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
  .map((name) => `${name}_temp_path ${place}/${name};`)
  .join(" ");

/** What surrounds our configuration in the server's own, how to check it, and how to run it. */
const SERVERS = {
  nginx: {
    around: `daemon off; pid ${place}/pid; error_log stderr; events {}\nhttp { access_log off; ${TEMPORARY} include ${place}/configuration; }\n`,
    command: [`${servers}/usr/sbin/nginx`, "-p", place, "-e", "stderr", "-c", `${place}/main`],
    check: ["-t"],
  },
  caddy: {
    around: `{\n\tadmin off\n\tlocal_certs\n\tskip_install_trust\n\tauto_https disable_redirects\n}\nimport ${place}/configuration\n`,
    command: [`${servers}/usr/bin/caddy`, "run", "--adapter", "caddyfile", "--config", `${place}/main`],
    checkCommand: [
      `${servers}/usr/bin/caddy`,
      "validate",
      "--adapter",
      "caddyfile",
      "--config",
      `${place}/main`,
    ],
    root: `${place}/data/caddy/pki/authorities/local/root.crt`,
  },
  apache: {
    around: [
      `ServerRoot ${place}`,
      `PidFile ${place}/pid`,
      `DefaultRuntimeDir ${place}`,
      `ErrorLog ${place}/error.log`,
      "ServerName localhost",
      ...["mpm_event", "authz_core", "alias", "ssl"].map(
        (name) => `LoadModule ${name}_module ${servers}/usr/lib/apache2/modules/mod_${name}.so`,
      ),
      "User www-data",
      "Group www-data",
      "Listen 443",
      `Include ${place}/configuration`,
      "",
    ].join("\n"),
    command: [`${servers}/usr/sbin/apache2`, "-D", "FOREGROUND", "-f", `${place}/main`],
    check: ["-t"],
  },
  envoy: {
    around: readFileSync(`${place}/configuration`, "utf8"),
    command: [
      process.env.ENVOY,
      "-c",
      `${place}/main`,
      "--disable-hot-restart",
      "--log-level",
      "error",
      "--concurrency",
      "1",
    ],
    check: ["--mode", "validate"],
  },
};

const { around, command, check, checkCommand, root = `${folder}/chain.pem` } = SERVERS[server];
// Envoy's configuration is told by the name of its file.
const main = server === "envoy" ? `${place}/main.yaml` : `${place}/main`;
writeFileSync(main, around);
const words = (all) => all.map((word) => (word === `${place}/main` ? main : word));

const [program, ...rest] = words(checkCommand ?? [...command, ...check]);
execFileSync(program, rest, { env, stdio: "inherit" });

const running = spawn(words(command)[0], words(command).slice(1), {
  env,
  stdio: ["ignore", "inherit", "inherit"],
});
const ended = once(running, "exit");
try {
  await Promise.race([ready(), ended.then(([code]) => assert.fail(`${server} ended: ${code}`))]);
  await ask();
} finally {
  running.kill("SIGTERM");
  await ended;
}

/** The port is open, and the certificate there. */
async function ready() {
  while (!(existsSync(root) && (await isOpen()))) await wait(20);
}

function isOpen() {
  return new Promise((resolve) => {
    const socket = connect(443, "127.0.0.1", () => resolve(true) || socket.destroy());
    socket.on("error", () => resolve(false));
  });
}

async function ask() {
  const policy = readFileSync(join(place, "policy"), "utf8");
  for (const options of [{}, { minVersion: "TLSv1.2", maxVersion: "TLSv1.2" }]) {
    const reply = await request("GET", PATH, options);
    assert.equal(reply.status, 200);
    assert.match(reply.type, /^text\/plain(;|$)/);
    assert.equal(reply.body, policy);
  }
  const head = await request("HEAD", PATH);
  assert.deepEqual([head.status, head.body], [200, ""]);
  for (const other of ["/", "/.well-known/", "/.well-known/other.txt", `${PATH}/x`, "/../etc/passwd"]) {
    const { status } = await request("GET", other);
    assert.ok(status === 404 || (status === 400 && other.includes("..")), `${other}: ${status}`);
  }
}

/** As a sender asks: by name, with a certificate that has to be good for it. */
function request(method, path, options = {}) {
  const ca = readFileSync(root);
  const lookup = (_, { all }, done) =>
    all ? done(null, [{ address: "127.0.0.1", family: 4 }]) : done(null, "127.0.0.1", 4);
  return new Promise((resolve, reject) => {
    const asked = get({ host: HOST, path, method, ca, lookup, agent: false, ...options }, async (reply) => {
      let body = "";
      for await (const chunk of reply.setEncoding("utf8")) body += chunk;
      resolve({ status: reply.statusCode, type: reply.headers["content-type"], body });
    });
    asked.on("error", reject);
  });
}
