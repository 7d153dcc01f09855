import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { bundleRoom, rooms } from "../../infra/bundle.ts";
import { folderWith } from "./support.ts";

const files = [
  { path: "offpeak.json", text: "{}" },
  { path: "prompts/worker.md", text: "You write reports." },
];

describe("a room's bundle", () => {
  it("is one module that Node loads by itself, with a handler and the files beside it", () => {
    const folders = rooms.map((room) => {
      const folder = folderWith({});
      bundleRoom({ room, files, folder });
      return folder;
    });
    const urls = folders.map((folder) => pathToFileURL(join(folder, "index.mjs")).href);
    const script = `for (const url of ${JSON.stringify(urls)}) console.log(typeof (await import(url)).handler)`;
    const printed = execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
    expect(printed.trim().split("\n")).toEqual(rooms.map(() => "function"));
    for (const folder of folders) {
      expect(readFileSync(join(folder, "prompts/worker.md"), "utf8")).toBe("You write reports.");
      expect(existsSync(join(folder, "index.mjs.map"))).toBe(true);
      expect(statSync(join(folder, "index.mjs")).size).toBeLessThan(1_500_000);
    }
  });
});
