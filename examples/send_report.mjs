// Reports an error to Aftershock, with what Node 18 and newer bring along.
//
//   APP_KEY=... node examples/send_report.mjs          (INGEST: the address, by default http://127.0.0.1:8080)
import { randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";

const ingest = process.env.INGEST ?? "http://127.0.0.1:8080";

/** Sends one report until it is accepted. Status 200 means that it is on disk. */
async function report(error) {
  const body = JSON.stringify({
    category: "error",
    exceptionType: "JS",
    platformId: 10,
    productVersion: "1.0.0",
    deviceId: "device-node",
    // Sent again with the same event id, the report counts once.
    eventId: randomUUID(),
    occurredAt: Date.now(),
    expName: error.name,
    expMessage: error.message,
    callStack: error.stack,
  });
  const headers = { "X-App-Key": process.env.APP_KEY, "Content-Type": "application/json" };
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const reply = await fetch(`${ingest}/v1/reports`, { method: "POST", headers, body });
    if (reply.status !== 429 && reply.status !== 503) {
      if (!reply.ok) throw new Error(`refused with ${reply.status}: ${await reply.text()}`);
      return reply.json();
    }
    await wait(1000 * Number(reply.headers.get("Retry-After") ?? 1));
  }
  throw new Error("the report was not accepted");
}

function loadCart(cart) {
  return cart.items.length;
}

try {
  loadCart({});
} catch (error) {
  console.log(await report(error));
}
