#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""man5.py FOLDER: the manual pages mtasts.toml(5), made of the comments in cli/etc/mtasts.toml, and
mtasts_table(5), made of the table of settings in bindings/postfix/README.md."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from man3 import ROOT, bold, escape

HEAD = r'''.TH mtasts.toml 5 "" "mtasts {version}" "MTA\-STS for mail software"
.SH NAME
mtasts.toml \- configuration of the MTA\-STS policy server
.SH SYNOPSIS
.B /etc/mtasts/mtasts.toml
.SH DESCRIPTION
A file in the format TOML. Each setting is shown as it is in the example configuration that is installed:
there in a comment if that is the default, or an example where the text says "Default".'''
TAIL = r'''.SH SEE ALSO
.BR mtasts\-serve (1),
.BR mtasts (7)'''

TABLE_HEAD = r'''.TH mtasts_table 5 "" "mtasts {version}" "MTA\-STS for mail software"
.SH NAME
mtasts_table \- Postfix MTA\-STS client, as a lookup table
.SH SYNOPSIS
.nf
\fBpostmap \-q "\fIdomain\fB" mtasts:/etc/postfix/\fIfilename\fR
.fi
.SH DESCRIPTION
A table of the type
.B mtasts
answers Postfix\(aqs
.B smtp_tls_policy_maps
by the MTA\-STS policy (RFC 8461) of the next\-hop domain, which it looks up in DNS and by HTTPS, and
keeps in a store on disk.
In
.IR /etc/postfix/main.cf :
.PP
.nf
.RS
smtp_tls_policy_maps = proxy:mtasts:/etc/postfix/mtasts.cf
smtp_tls_security_level = may
smtp_tls_CAfile = /etc/ssl/certs/ca\-certificates.crt
.RE
.fi
.PP
With
.B proxy:
the proxymap process looks up, outside the chroot and without the rights of root; a policy host that does not
answer holds up all mail that asks the same process, for a minute at most.
Without it each smtp process looks up.
An error is never taken for "not found": the log says why, and the mail waits. Where the TXT record alone
cannot be looked up for now and no policy is known, mail goes without one, as RFC 8461 has it, and the log
says so; with
.B defer_on_dns_failure = yes
it waits.
.SH CONFIGURATION PARAMETERS
The file has lines of
.IR name " = " value .
It must be readable for the user
.BR postfix ;
.B postfix reload
rereads it.
A name that is not in this list, or a value that is not legal, is an error, and mail waits.'''
TABLE_TAIL = r'''.SH FILES
.TP
.I /var/lib/postfix/mtasts
The store that Debian\(aqs package makes.
Its folder belongs to the group
.B postfix
and is setgid; whoever can write there can forge policies.
.SH SEE ALSO
.BR mtasts (7),
.BR mtasts\-cache (1),
.BR mtasts.toml (5),
.BR postconf (5),
.BR postmap (1),
.BR proxymap (8)'''


def parameters(text: str) -> str:
    """The rows of the table of settings: name, value, default."""
    made = []
    for names, value, default in re.findall(r"^\| (`[a-z_`, ]+`) \| (.*) \| (.*) \|$",
                                            text.partition("The names are those of mtasts.toml")[2],
                                            re.MULTILINE):
        made += [".TP", bold(escape(names)), bold(escape(f"{value}. Default: {default}."))]
    if not made:
        raise SystemExit("bindings/postfix/README.md has no table of settings")
    return "\n".join(made)


def settings(text: str) -> str:
    """Comments and what they are about: the setting that follows, or those."""
    made, comment, follows = [], [], False
    for line in text.splitlines()[2:]:
        header = re.fullmatch(r"#?(\[+[a-z]+\]+)", line)
        setting = re.fullmatch(r"#?([a-z_]+ = .*)", line)
        if header:
            made += [f".SH {escape(header[1])}", *flow(comment)]
        elif setting:
            name = rf"\fB{escape(setting[1])}\fR"
            if follows and not comment:
                text_of_those = made.pop()
                made += [".TQ", name, text_of_those]
            else:
                made += [".TP", name, "\n".join(flow(comment))]
        elif line.startswith("#"):
            comment.append(line.removeprefix("#").removeprefix(" "))
            continue
        else:
            made += [".PP", *flow(comment)] if comment else []
        comment, follows = [], bool(setting)
    return "\n".join(filter(None, made))


def flow(comment: list[str]) -> list[str]:
    """The lines of a comment; those that are indented stand for themselves."""
    lines = []
    for line in comment:
        own = line.startswith("  ")
        lines += [".br"] * own + [bold(escape(line.strip()))] + [".br"] * own
    return lines


def main(folder: Path) -> None:
    """Writes the pages."""
    folder.mkdir(parents=True, exist_ok=True)
    version = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]
    text = (ROOT / "cli/etc/mtasts.toml").read_text()
    page = [HEAD.replace("{version}", version), settings(text), TAIL]
    (folder / "mtasts.toml.5").write_text("\n".join(page) + "\n")
    text = (ROOT / "bindings/postfix/README.md").read_text()
    page = [TABLE_HEAD.replace("{version}", version), parameters(text), TABLE_TAIL]
    (folder / "mtasts_table.5").write_text("\n".join(page) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
