import assert from "node:assert/strict";
import { test } from "node:test";
import { addressOf } from "../src/target.js";

test("a host without a port gets the server's default port", () => {
  const targets = [
    "host",
    "host:1",
    "::1",
    "[::1]",
    "[::1]:2",
    "dns:///host",
    "dns:///host:3",
    "10.0.0.1",
    "unix:/path",
  ];
  assert.deepEqual(
    targets.map((target) => addressOf(target).target),
    [
      "host:50051",
      "host:1",
      "[::1]:50051",
      "[::1]:50051",
      "[::1]:2",
      "dns:///host:50051",
      "dns:///host:3",
      "10.0.0.1:50051",
      "unix:/path",
    ],
  );
});

test("a list names several servers", () => {
  assert.equal(addressOf("a:1,b,[::1]:2").target, "audiowriter-list:a:1,b:50051,[::1]:2");
  assert.equal(addressOf("ipv4:127.0.0.1:1,127.0.0.1:2").target, "ipv4:127.0.0.1:1,127.0.0.1:2");
  for (const bad of ["a:1,", "a:1,b:x", "a:1, b:2", "a:1,http://b:2"]) {
    assert.throws(() => addressOf(bad), /in a list of servers: expected host:port/, bad);
  }
});

test("no proxy is used for this host and for a list", () => {
  const isDirect = (target: string): boolean => addressOf(target).options["grpc.enable_http_proxy"] === 0;
  for (const target of ["localhost:1", "a.localhost", "127.0.0.1:5", "[::1]:5", "dns:///localhost:1", "a:1,b:2"]) {
    assert.ok(isDirect(target), target);
  }
  for (const target of ["host:1", "localhost.example:1", "10.0.0.1"]) assert.ok(!isDirect(target), target);
});
