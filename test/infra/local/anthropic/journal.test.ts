import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { openSqliteJournal } from "../../../../infra/local/anthropic/sqlite-journal.ts";
import { batchBody, caller, linesOf, modelAt, params } from "./helpers.ts";

const folder = mkdtempSync(join(tmpdir(), "stand-in-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs in a process of its own: creates batch after batch and says each one's id once it is accepted. */
const writer = (path: string) => `
  import { openSqliteJournal } from ${JSON.stringify(new URL("../../../../infra/local/anthropic/sqlite-journal.ts", import.meta.url).href)};
  import { createModel } from ${JSON.stringify(new URL("../../../../infra/local/anthropic/model.ts", import.meta.url).href)};
  const model = createModel({ clock: { now: () => ${Date.UTC(2026, 10, 21, 22)} }, journal: openSqliteJournal(${JSON.stringify(path)}) });
  const body = ${JSON.stringify(batchBody(...Array.from({ length: 300 }, (_, index) => params(`task ${index}`))))};
  const next = () => { process.stdout.write(model.createBatch(body, ${JSON.stringify(caller)}).id + "\\n"); setImmediate(next); };
  next();
`;

describe("the journal on disk", () => {
  it("keeps every batch that was accepted when the process is killed", async () => {
    const path = join(folder, "killed.sqlite");
    const child = spawn(process.execPath, ["--input-type=module", "-e", writer(path)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let said = "";
    child.stdout.setEncoding("utf8");
    for await (const text of child.stdout) {
      said += text;
      if (said.split("\n").length > 5) break;
    }
    child.kill("SIGKILL");
    if (child.signalCode === null) await once(child, "exit");
    const accepted = said.split("\n").slice(0, -1);
    const journal = openSqliteJournal(path);
    const { model, pass } = modelAt({ journal });
    pass(3600);
    for (const id of accepted) expect(linesOf(model, id)).toHaveLength(300);
    expect(accepted.length).toBeGreaterThan(4);
    journal.close();
  });

  it("gives the same results, bill and state after a restart", () => {
    const path = join(folder, "again.sqlite");
    const first = openSqliteJournal(path);
    const { model, pass } = modelAt({ journal: first });
    const [ended, canceled, deleted] = [0, 1, 2].map((no) =>
      String(
        model.createBatch(batchBody(params(`a ${no}`), params("[[stand-in: errored api_error times 1]]")), caller)[
          "id"
        ],
      ),
    );
    model.createMessage(JSON.stringify(params("hello")), caller);
    model.cancelBatch(canceled!, caller);
    pass(10);
    model.deleteBatch(deleted!, caller);
    const open = String(model.createBatch(batchBody(params("later")), caller)["id"]);
    const before = [model.listBatches({}, caller), linesOf(model, ended!), linesOf(model, canceled!), model.bill()];
    first.close();

    const second = openSqliteJournal(path);
    const again = modelAt({ journal: second });
    again.pass(10);
    expect([
      again.model.listBatches({}, caller),
      linesOf(again.model, ended!),
      linesOf(again.model, canceled!),
      again.model.bill(),
    ]).toEqual(before);
    again.pass(10);
    expect(linesOf(again.model, open)).toHaveLength(1);
    const retried = String(
      again.model.createBatch(batchBody(params("[[stand-in: errored api_error times 1]]")), caller)["id"],
    );
    again.pass(10);
    expect(linesOf(again.model, retried)[0]?.result.type).toBe("succeeded");
    second.close();
  });
});
