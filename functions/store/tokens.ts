import * as v from "valibot";
import type { Item, Table } from "../clients/table.ts";
import type { Clock } from "../domain/clock.ts";
import { endedTokenDays, loginCacheSeconds, maxRememberedTokens } from "../domain/limits.ts";
import { scopes } from "../domain/principal.ts";
import { type Token, tokenPartition } from "../domain/token.ts";
import { itemVersion, readableItem, readItem } from "./versions.ts";

const schema = v.object({
  sk: v.string(),
  hash: v.string(),
  name: v.string(),
  scopes: v.array(v.picklist(scopes)),
  agents: v.union([v.literal("*"), v.array(v.string())]),
  createdAt: v.number(),
  createdBy: v.string(),
  endsAt: v.exactOptional(v.number()),
  revokedAt: v.exactOptional(v.number()),
});

/** Tokens by the id that stands in them. Their secrets are nowhere. */
export interface Tokens {
  find(id: string): Promise<Token | undefined>;
  add(token: Token): Promise<void>;
  /** The oldest first, and the ids of those that cannot be read. */
  list(): Promise<{ tokens: Token[]; damaged: string[] }>;
  /** Once and for good; a repeat changes nothing. @returns the token as it is now, `undefined` where there is none */
  revoke(id: string): Promise<Token | undefined>;
}

const keyOf = (id: string) => ({ pk: tokenPartition, sk: id });
/** The table forgets it then. In seconds, as DynamoDB wants it. */
const forgottenAt = (endedAt: number) => Math.ceil(endedAt / 1000) + endedTokenDays * 24 * 3600;

export function tokenStore(table: Table, clock: Clock): Tokens {
  const find = async (id: string) => {
    const item = await table.get(keyOf(id));
    return item === undefined ? undefined : toToken(item);
  };
  return {
    find,
    async add({ id, ...token }) {
      const expiry = token.endsAt === undefined ? {} : { expiresAt: forgottenAt(token.endsAt) };
      const { moved } = await table.insert({ ...keyOf(id), v: itemVersion, ...token, ...expiry });
      if (!moved) throw new Error("a token with this id is there already");
    },
    async list() {
      const items: Item[] = [];
      let after: Item | undefined;
      do {
        const page = await table.query({ pk: tokenPartition, ...(after === undefined ? {} : { after }) });
        items.push(...page.items);
        after = page.next;
      } while (after !== undefined);
      const [readable, damaged] = [items.filter(isReadable), items.filter((item) => !isReadable(item))];
      return { tokens: readable.map(toToken), damaged: damaged.map(({ sk }) => sk) };
    },
    async revoke(id) {
      const revokedAt = clock.now();
      const found = await table.update({
        key: keyOf(id),
        set: { v: itemVersion, revokedAt, expiresAt: forgottenAt(revokedAt) },
        when: [
          { attribute: "hash", is: "present" },
          { attribute: "revokedAt", is: "absent" },
        ],
      });
      return found.moved ? toToken(found.item) : find(id);
    },
  };
}

const isReadable = (item: Item) => readableItem(schema, item) !== undefined;

function toToken(item: Item): Token {
  const { sk: id, ...token } = readItem(schema, item, `${item.pk} ${item.sk}`);
  return { id, ...token };
}

/** Remembers for half a minute what it found: what is not there is asked for each time, so that a new token is good at once. */
export function rememberedTokens({ find }: Pick<Tokens, "find">, clock: Clock): Pick<Tokens, "find"> {
  const known = new Map<string, { token: Token; readAt: number }>();
  return {
    async find(id) {
      const earlier = known.get(id);
      if (earlier !== undefined && clock.now() < earlier.readAt + loginCacheSeconds * 1000) return earlier.token;
      const readAt = clock.now();
      const token = await find(id);
      known.delete(id);
      if (token === undefined) return undefined;
      const [oldest] = known.keys();
      if (oldest !== undefined && known.size >= maxRememberedTokens) known.delete(oldest);
      known.set(id, { token, readAt });
      return token;
    },
  };
}
