import type { Table } from "../../functions/clients/table.ts";

/** Each insert and update goes with an insert of its own, of an item that nobody reads: a table that groups writes never has one alone. */
export function accompanied(table: Table): Table {
  let companions = 0;
  const beside = async <T>(asked: Promise<T>): Promise<T> => {
    companions += 1;
    const [answer] = await Promise.all([asked, table.insert({ pk: "COMPANION", sk: String(companions) })]);
    return answer;
  };
  return {
    ...table,
    insert: (item) => beside(table.insert(item)),
    update: (change) => beside(table.update(change)),
  };
}
