// SPDX-License-Identifier: MIT OR Apache-2.0
// Which addresses are global (R-GET-6): whoever publishes a policy chooses where its name points,
// and must not point us at the inside of our own network.

import { BlockList, isIP } from "node:net";

/** What is not globally reachable, by the IANA IPv4 Special-Purpose Address Registry; multicast. */
const V4_NOT_GLOBAL = blocks("ipv4", [
  "0.0.0.0/8", // "this network", RFC 791
  "10.0.0.0/8", // private use, RFC 1918
  "100.64.0.0/10", // shared address space, RFC 6598
  "127.0.0.0/8", // loopback, RFC 1122
  "169.254.0.0/16", // link local, RFC 3927
  "172.16.0.0/12", // private use, RFC 1918
  "192.0.0.0/24", // IETF protocol assignments, RFC 6890
  "192.0.2.0/24", // documentation, RFC 5737
  "192.88.99.0/24", // 6to4 relay anycast, RFC 7526
  "192.168.0.0/16", // private use, RFC 1918
  "198.18.0.0/15", // benchmarking, RFC 2544
  "198.51.100.0/24", // documentation, RFC 5737
  "203.0.113.0/24", // documentation, RFC 5737
  "224.0.0.0/4", // multicast, RFC 5771
  "240.0.0.0/4", // reserved, RFC 1112; limited broadcast, RFC 8190
]);

/** The only block from which global unicast addresses are given out, RFC 4291. */
const V6_GLOBAL_UNICAST = blocks("ipv6", ["2000::/3"]);

/** What is not globally reachable in it, by the IANA IPv6 Special-Purpose Address Registry. */
const V6_NOT_GLOBAL = blocks("ipv6", [
  "2001::/23", // IETF protocol assignments; Teredo
  "2001:db8::/32", // documentation, RFC 3849
  "3fff::/20", // documentation, RFC 9637
]);

/** Where an IPv4 address stands in an IPv6 address: the block, and the first of its two groups. */
const V4_IN_V6 = [
  { block: blocks("ipv6", ["64:ff9b::/96"]), group: 6 }, // NAT64, RFC 6052
  { block: blocks("ipv6", ["2002::/16"]), group: 1 }, // 6to4, RFC 3056
];

function blocks(family: "ipv4" | "ipv6", subnets: readonly string[]): BlockList {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [net, length] = subnet.split("/");
    list.addSubnet(net!, Number(length), family);
  }
  return list;
}

/** Whether `address` is globally reachable, the IPv4 address inside an IPv6 address included. */
export function isGlobal(address: string): boolean {
  if (isIP(address) === 4) return !V4_NOT_GLOBAL.check(address, "ipv4");
  if (isIP(address) !== 6 || address.includes("%")) return false;
  const v4 = embeddedV4(address);
  if (v4 !== undefined) return !V4_NOT_GLOBAL.check(v4, "ipv4");
  return V6_GLOBAL_UNICAST.check(address, "ipv6") && !V6_NOT_GLOBAL.check(address, "ipv6");
}

/** The IPv4 address that an IPv4-mapped, NAT64 or 6to4 address leads to. */
function embeddedV4(address: string): string | undefined {
  const groups = toGroups(address);
  const isMapped = groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0);
  const found = isMapped ? { group: 6 } : V4_IN_V6.find(({ block }) => block.check(address, "ipv6"));
  if (found === undefined) return undefined;
  const octets = groups.slice(found.group, found.group + 2).flatMap((group) => [group >> 8, group & 0xff]);
  return octets.join(".");
}

/** The eight groups, by the form that the URL Standard gives an IPv6 address. */
function toGroups(address: string): number[] {
  const [head = "", tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const read = (part: string) => part.split(":").filter(Boolean).map((group) => parseInt(group, 16));
  const [first, last] = [read(head), read(tail ?? "")];
  return [...first, ...Array<number>(8 - first.length - last.length).fill(0), ...last];
}
