import { describe, expect, test } from "vitest";
import { errorWithoutSecrets, secretsIn, withoutSecrets } from "./secrets.ts";

const SECRET = "hunter2-Zq9";
/** A token that tells nothing of where it came from. */
const JWT = "eyJhbGciOiJFZERTQSJ9.eyJhIjoicnciLCJpZCI6IjEyMyJ9.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg";
const SEED = `SU${"A2".repeat(28)}`;

/** Connection strings, and texts that drivers, shells and servers make of them; each holds a secret. */
const STRINGS: readonly string[] = [
  `postgres://app:${SECRET}@db.example.org:5432/orders`,
  `postgresql://app:${SECRET}@db.example.org/orders?sslmode=require`,
  `postgresql://db.example.org/orders?user=app&password=${SECRET}`,
  `postgresql://app:${SECRET}@[2001:db8::1]:5432/orders`,
  `postgresql://app:${SECRET}@one:5432,two:5432/orders`,
  `host=db.example.org port=5432 user=app password=${SECRET} dbname=orders`,
  `host=db.example.org user=app password='${SECRET}' dbname=orders`,
  `Server=db;Port=5432;User Id=app;Password=${SECRET};Database=orders;`,
  `jdbc:postgresql://db.example.org/orders?user=app&password=${SECRET}`,
  `jdbc:postgresql://app:${SECRET}@db.example.org/orders`,
  `PGPASSWORD=${SECRET} psql -h db.example.org`,
  `PGPASSWORD="${SECRET}" psql`,
  `redis://:${SECRET}@cache.example.org:6379/0`,
  `redis://default:${SECRET}@cache.example.org:6379`,
  `rediss://default:${SECRET}@cache.example.org:6380?db=1`,
  `redis+sentinel://:${SECRET}@one:26379,two:26379/mymaster`,
  `redis-cli -h cache -a ${SECRET} ping`,
  `cache.example.org:6380,password=${SECRET},ssl=True,abortConnect=False`,
  `ERR invalid password while sending AUTH ${SECRET}`,
  `command HELLO 3 AUTH default ${SECRET} failed`,
  `requirepass: ${SECRET}`,
  `libsql://orders-me.turso.io?authToken=${JWT}`,
  `wss://orders-me.turso.io?authToken=${SECRET}`,
  `{ url: 'libsql://orders-me.turso.io', authToken: '${SECRET}' }`,
  `{"url":"libsql://orders-me.turso.io","authToken":"${JWT}"}`,
  `TURSO_AUTH_TOKEN=${SECRET}`,
  `file:orders.db?encryption_key=x&auth_token=${SECRET}`,
  `sqlite:///var/lib/orders.db?password=${SECRET}`,
  `mysql://app:${SECRET}@db.example.org/orders`,
  `mongodb+srv://app:${SECRET}@cluster0.example.org/orders?retryWrites=true`,
  `amqps://app:${SECRET}@mq.example.org/vhost`,
  `nats://${SECRET}@nats.example.org:4222`,
  `nats://app:${SECRET}@nats.example.org:4222`,
  `nkey seed ${SEED} was refused`,
  `https://app:${SECRET}@api.example.org/health`,
  `GET https://api.example.org/health?api_key=${SECRET} 503`,
  `request failed: Authorization: Bearer ${SECRET}`,
  `authorization: Basic ${Buffer.from(`app:${SECRET}`).toString("base64")}`,
  `x-api-key: ${SECRET}`,
  `DefaultEndpointsProtocol=https;AccountName=me;AccountKey=${SECRET};EndpointSuffix=core.windows.net`,
  `Endpoint=sb://bus.example.org/;SharedAccessKeyName=root;SharedAccessKey=${SECRET}`,
  `aws_access_key_id=AKIAIOSFODNN7EXAMPLE aws_secret_access_key=${SECRET}`,
  `app/${SECRET}@//db.example.org:1521/orders`,
  `app:${SECRET}@db.example.org:5432`,
  `DATABASE_URL=postgres://app:${SECRET}@db/orders`,
  `-----BEGIN PRIVATE KEY-----\n${SECRET}\n-----END PRIVATE KEY-----`,
];
const HIDDEN = [SECRET, JWT, SEED, Buffer.from(`app:${SECRET}`).toString("base64"), "AKIAIOSFODNN7EXAMPLE"];

describe("withoutSecrets()", () => {
  test("knows at least forty kinds of connection strings", () => {
    expect(new Set(STRINGS).size).toBeGreaterThanOrEqual(40);
  });

  test.each(STRINGS)("hides the secret of %s", (text) => {
    for (const sentence of [text, `cannot connect to ${text}: refused`, `Error: "${text}" (28P01)`]) {
      const told = withoutSecrets(sentence, [], {});
      for (const secret of HIDDEN) expect(told).not.toContain(secret);
      expect(told).toContain("***");
    }
  });

  test("hides what the caller and the environment hold, wherever it stands", () => {
    const url = "postgres://ap%40p:p%23ss-word@db/orders";
    const told = withoutSecrets("user ap@p with p#ss-word of plain-value", secretsIn(url), {
      SOME: "plain-value",
    });
    expect(told).toBe("user *** with *** of ***");
  });

  test.each([
    "connect ECONNREFUSED 127.0.0.1:5432",
    "getaddrinfo ENOTFOUND db.example.org",
    'relation "orders" does not exist',
    "no answer in 5 s",
    "SQLITE_CANTOPEN: unable to open database file",
    "the database system is starting up",
  ])("leaves as it is: %s", (text) => {
    expect(withoutSecrets(text, [], {})).toBe(text);
  });

  test("takes no time worth telling over a long text of a stranger", () => {
    for (const bite of ["a:", "password", "://", "x.x", "eyJ", " -p ", "user=", "-----BEGIN "]) {
      const startMs = performance.now();
      withoutSecrets(bite.repeat(16_384 / bite.length + 100), [], {});
      expect(performance.now() - startMs).toBeLessThan(1000);
    }
  });
});

test("errorWithoutSecrets() keeps name and stack, and nothing that hangs on the error", () => {
  const error = Object.assign(new TypeError(`no ${SECRET}`), { url: SECRET });
  const told = errorWithoutSecrets(error, [SECRET]);
  expect([told.name, told.message, Object.keys(told)]).toEqual(["TypeError", "no ***", []]);
  expect(told.stack).toContain("secrets.unit.test.ts");
  expect(told.stack).not.toContain(SECRET);
});
