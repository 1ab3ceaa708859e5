// SPDX-License-Identifier: MIT OR Apache-2.0
// The lab (tests/lab) as a child process of a test: it ends when the test does.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";

export class Lab {
  /** Starts a scene; `lab` with its addresses is there when it is ready. */
  static async start(scene) {
    const lab = new Lab();
    lab.folder = await mkdtemp(join(tmpdir(), "mtasts-js-"));
    await writeFile(join(lab.folder, "scene.toml"), scene);
    const words = ["run", join(lab.folder, "scene.toml"), lab.folder, "--until-eof"];
    lab.process = spawn(process.env.MTASTS_LAB_BIN, words, { stdio: ["pipe", "pipe", "inherit"] });
    const [line] = await once(createInterface({ input: lab.process.stdout }), "line");
    if (line !== "ready") throw new Error(`the lab says ${line}`);
    const facts = JSON.parse(await readFile(join(lab.folder, "lab.json"), "utf8"));
    lab.dns = facts.dns;
    lab.httpsPort = facts.https_port;
    lab.smtpPort = facts.smtp_port;
    lab.caFile = facts.ca_file;
    lab.control = facts.control;
    lab.ca = await readFile(lab.caFile);
    return lab;
  }

  /** Sends a line to the control channel. */
  async ask(line) {
    const socket = connect(this.control);
    socket.end(`${line}\n`);
    const reply = JSON.parse(await text(socket));
    if (reply.error) throw new Error(`${line}: ${reply.error}`);
    return reply;
  }

  /** What `createHost` needs to know of the lab. */
  get options() {
    return { nameservers: [this.dns], httpsPort: this.httpsPort, ca: this.ca, allowNonGlobal: true };
  }

  async stop() {
    this.process.stdin.end();
    await once(this.process, "exit");
    await rm(this.folder, { recursive: true });
  }
}
