import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadConfiguration } from "../../infra/configuration.ts";
import { exampleFiles, folderWith } from "./support.ts";

const load = (files: Record<string, string>, name = "offpeak.json") => loadConfiguration(join(folderWith(files), name));
const agentWith = (systemFile: string) => JSON.stringify({ agents: { list: [{ id: "worker", systemFile }] } });

describe("the deployed configuration", () => {
  it("is the checked text, with each system file under the path it names", () => {
    const loaded = load(exampleFiles);
    expect(loaded.ok && loaded.configuration.files).toEqual([
      { path: "offpeak.json", text: exampleFiles["offpeak.json"] },
      { path: "prompts/worker.md", text: "You write reports." },
    ]);
  });

  it("has the name the functions look for, whatever the file was called", () => {
    const loaded = load({ "mine.json": JSON.stringify({ agents: { list: [{ id: "worker" }] } }) }, "mine.json");
    expect(loaded.ok && loaded.configuration.files.map(({ path }) => path)).toEqual(["offpeak.json"]);
  });

  it("is refused when it is not there", () => {
    const loaded = load({});
    expect(loaded.ok).toBe(false);
    expect(!loaded.ok && loaded.problems.join()).toMatch(/offpeak\.json: cannot be read$/);
  });

  it("is refused when a system file lies where it could not be deployed", () => {
    const folder = folderWith({ "below/offpeak.json": agentWith("../secret.md"), "secret.md": "text" });
    const loaded = loadConfiguration(join(folder, "below/offpeak.json"));
    expect(!loaded.ok && loaded.problems).toEqual([
      "systemFile ../secret.md: lies outside the folder of the configuration, so it cannot be deployed with it",
    ]);
  });

  it("is refused with the problems that its parser finds", () => {
    const loaded = load({ "offpeak.json": agentWith("nowhere.md") });
    expect(!loaded.ok && loaded.problems.join()).toMatch(/systemFile/);
  });
});
