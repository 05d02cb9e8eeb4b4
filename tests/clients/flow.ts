// A client made by openapi-typescript goes through the product: flow.js SERVER PHONE SCANNER_TOKEN STAFF_TOKEN
import { connect, type components } from "./client/index.js";

type Block = components["schemas"]["Block"];

declare const process: { argv: string[]; exit(code: number): never };
const [, , server = "", phone = "", scannerToken = "", staffToken = ""] = process.argv;
const bearer = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } });
const api = connect({ baseUrl: server });

function expect(holds: boolean, what: string): asserts holds {
  if (!holds) {
    console.error(what);
    process.exit(1);
  }
}

function got<T>(answer: { data?: T; error?: unknown }): NonNullable<T> {
  expect(answer.data !== undefined && answer.data !== null, JSON.stringify(answer.error));
  return answer.data;
}

const sent = got(await api.POST("/api/v1/auth/otp", { body: { phone } }));
expect(sent.otp !== undefined, "a sandbox tells the one-time password");
const tokens = got(
  await api.POST("/api/v1/auth/token", {
    body: { grant_type: "otp", phone, challenge: sent.challenge, otp: sent.otp },
  }),
);
const steppedUp = got(
  await api.POST("/api/v1/auth/step-up", { body: { method: "face", proof: "sandbox" }, ...bearer(tokens.access_token) }),
);
const me = bearer(steppedUp.access_token);

const wallet = got(await api.GET("/api/v1/codes", me));
expect(wallet.items.some((one) => one.kind === "identity" && one.state === "active"), "the wallet");
const issued = got(await api.POST("/api/v1/codes/issue", { body: { kinds: ["identity"] }, ...me }));
const code = issued.codes[0]?.code ?? "";
const verdict = got(
  await api.POST("/api/v1/codes/verify", {
    body: { scan_id: crypto.randomUUID(), purpose: "identity-check", code },
    ...bearer(scannerToken),
  }),
);
expect(verdict.accepted && verdict.reason === "ok", JSON.stringify(verdict));
expect(verdict.holder.masked_name?.endsWith("甲") === true, "the holder");

const hall = got(await api.GET("/api/v1/halls/{slug}", { params: { path: { slug: "city" } } }));
const title = (block: Block): string => {
  // a type that came after this client was made has no slides: it is not shown
  if (block.type === "banner" && "slides" in block) return block.slides.map((slide) => slide.title).join();
  return "heading" in block ? (block.heading ?? "") : "";
};
expect(hall.kind === "hall" && hall.blocks.map(title).length === hall.blocks.length, "the hall");

const started = got(
  await api.POST("/api/v1/items/imports", {
    params: { query: { dry_run: true } },
    body: "基本编码,事项名称\n",
    bodySerializer: (text) => text,
    headers: { ...bearer(staffToken).headers, "Content-Type": "text/csv" },
  }),
);
const job = got(await api.GET("/api/v1/jobs/{job_id}", { params: { path: { job_id: started.job } }, ...bearer(staffToken) }));
expect(job.kind !== "" && (job.result.faults?.error ?? 0) >= 0, "the job");
console.log("done");
