import { type LocalServer, type Reply, serve } from "./http.ts";
import { account } from "./protocol.ts";

const version = "2011-06-15";

/**
 * STS's GetWebIdentityToken, by the query protocol: a token that says who calls, and that nobody signed. It is of no worth
 * outside of this machine, and to the stand-in as good as any.
 */
export async function startSts(deps: {
  sessionToken: string;
  now: () => number;
  log: (line: string) => void;
}): Promise<LocalServer> {
  return serve((request) => {
    if (request.header("x-amz-security-token") !== deps.sessionToken) return fault(403, "InvalidClientTokenId");
    const asked = new URLSearchParams(request.body.toString("utf8"));
    const audience = asked.get("Audience.member.1");
    if (asked.get("Action") !== "GetWebIdentityToken") return fault(400, "InvalidAction");
    if (audience === null || asked.get("SigningAlgorithm") === null) return fault(400, "ValidationError");
    const issuedAt = Math.floor(deps.now() / 1000);
    const endsAt = issuedAt + Number(asked.get("DurationSeconds") ?? 300);
    const subject = `arn:aws:iam::${account}:role/local`;
    const claims = {
      iss: "https://local.tokens.sts.global.api.aws",
      sub: subject,
      aud: audience,
      iat: issuedAt,
      exp: endsAt,
    };
    return xml(200, "GetWebIdentityTokenResponse", [
      "<GetWebIdentityTokenResult>",
      `<WebIdentityToken>${[{ alg: "none" }, claims].map(encoded).join(".")}.unsigned</WebIdentityToken>`,
      `<Expiration>${new Date(endsAt * 1000).toISOString()}</Expiration>`,
      "</GetWebIdentityTokenResult>",
    ]);
  }, deps.log);
}

const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");

function fault(status: number, code: string): Reply {
  return xml(status, "ErrorResponse", [
    `<Error><Type>Sender</Type><Code>${code}</Code><Message>${code}</Message></Error>`,
  ]);
}

function xml(status: number, root: string, parts: readonly string[]): Reply {
  const body = `<${root} xmlns="https://sts.amazonaws.com/doc/${version}/">${parts.join("")}</${root}>`;
  return { status, headers: { "content-type": "text/xml" }, body };
}
