import { describe, expect, it } from "vitest";
import { scopes } from "../../../functions/domain/principal.ts";
import { routes, routesOf } from "../../../functions/domain/routes.ts";

describe("the table of routes", () => {
  it("names a scope for each, and leaves none of the scopes without use", () => {
    const used = new Set(Object.values(routes).map(({ scope }) => scope));
    expect([...used].toSorted()).toEqual([...scopes].toSorted());
  });

  it("lets nothing be changed that only reading was granted for", () => {
    const changing = Object.entries(routes).filter(([name, { scope }]) => !name.startsWith("GET ") && scope === "read");
    expect(changing).toEqual([]);
  });

  it("gives each route to one room, by its path", () => {
    const paths = [...routesOf("spawn").keys(), ...routesOf("sessions").keys()];
    expect(new Set(paths).size).toBe(paths.length);
    const names = [...routesOf("spawn").values(), ...routesOf("sessions").values()].flat().map(({ name }) => name);
    expect(names.toSorted()).toEqual(Object.keys(routes).toSorted());
  });

  it("has what is written out before what stands for any text, so that the first match is the right one", () => {
    const paths = Object.keys(routes).map((name) => name.split(" ")[1] ?? "");
    const hidden = paths.filter((path, place) =>
      paths.slice(0, place).some((one) => one !== path && new RegExp(`^${one.replace(":id", "[^/]+")}$`).test(path)),
    );
    expect(hidden).toEqual([]);
  });
});
