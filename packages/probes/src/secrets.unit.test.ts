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
  // Passwords that were not encoded, and of characters that end a URL elsewhere.
  `postgres://app:p@${SECRET}@db.example.org/orders`,
  `postgres://app:a/${SECRET}#b@db.example.org/orders`,
  `postgres://app:a?b&${SECRET}@db.example.org/orders`,
  `postgres://app:my own ${SECRET}@db.example.org/orders`,
  `postgres://app:a"b'c\`${SECRET}@db.example.org/orders`,
  `postgres://app:a)b>c}${SECRET}@db.example.org/orders`,
  `postgres://app:a:b:${SECRET}@db.example.org/orders`,
  `app:a/b:${SECRET}@tcp(db.example.org:3306)/orders`,
  `app:p@ss${SECRET}@db.example.org:5432`,
  `postgres:\\/\\/app:${SECRET}@db.example.org\\/orders`,
  // Quotes within quotes, and strings within strings.
  `host=db.example.org password='it\\'s ${SECRET}' dbname=orders`,
  `host=db.example.org password='it''s ${SECRET}' dbname=orders`,
  `{"user":"app","password":"a\\"b ${SECRET}"}`,
  String.raw`{\"user\":\"app\",\"password\":\"${SECRET}\"}`,
  String.raw`"{\"auth\":{\"token\":\"a b ${SECRET}\"}}"`,
  `{ password: "${SECRET} is long, and has; all, of: it" }`,
  `password: "${SECRET} whose quote does not end`,
  // Other ways to name a secret.
  `dbPassword=${SECRET}`,
  `redisPassword: '${SECRET}'`,
  `spring.datasource.password=${SECRET}`,
  `POSTGRES_PASSWORD_FILE_PASSWORD=${SECRET}`,
  `pw=${SECRET}`,
  `'password' => '${SECRET}'`,
  `[ 'x-api-key', '${SECRET}' ]`,
  `["authorization","Bearer ${SECRET}"]`,
  `password: |\n  ${SECRET}\n`,
  `password:\n  ${SECRET}`,
  `<password>${SECRET}</password>`,
  `<ds:password encrypted="no">${SECRET}</ds:password>`,
  `cookie: theme=dark; sid=${SECRET}`,
  `set-cookie: sid=${SECRET}; Path=/; HttpOnly`,
  `authorization: Custom ${SECRET}`,
  `proxy-authorization: NTLM ${SECRET}==`,
  `AUTH failed: AUTH default ${SECRET}`,
  `first line\nsecond: password=${SECRET}\nthird`,
  `psql "host=db user=app password=${SECRET}"`,
  `--password "my \\" ${SECRET}"`,
  `mysql --user=app --password=${SECRET} orders`,
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
    ["postgres://app:p%40ss%2Fw0rd@one:5432,two:5432/orders", "no user app with p@ss/w0rd"],
    ["https://app:p%40ss-word@api/health", `refused ${Buffer.from("app:p@ss-word").toString("base64")}`],
    ["libsql://orders.turso.io?authToken=ab+cd%2Fef", "token ab+cd%2Fef, which is ab+cd/ef"],
    ["redis://:p@ss w0rd@cache", "wrong: p@ss w0rd"],
    ["host=db password=s3cr3t", "cannot parse host=db password=s3cr3t"],
  ])("hides the parts of %s wherever they stand alone", (connection, text) => {
    const told = withoutSecrets(text, secretsIn(connection), {});
    expect(told).not.toMatch(/p@ss|w0rd|YXBw|ab\+cd|s3cr3t/);
  });

  test("hides what a URL in the environment holds, and each line of a value", () => {
    const env = { DATABASE_URL: "postgres://app:p%40ss-word@db/orders", KEY: "first-line\nsecond-line" };
    expect(withoutSecrets("p@ss-word, first-line, second-line", [], env)).toBe("***, ***, ***");
  });

  test("leaves no half of a secret where a text is cut", () => {
    for (let before = 16_384 - SECRET.length; before <= 16_384; before++) {
      const told = withoutSecrets(`${"x ".repeat(8192).slice(0, before - 1)} ${SECRET}`, [SECRET], {});
      expect(told).not.toContain(SECRET.slice(0, 4));
    }
    expect(withoutSecrets("y".repeat(20_000), [], {})).toBe("***");
  });

  test.each([
    "connect ECONNREFUSED 127.0.0.1:5432",
    "getaddrinfo ENOTFOUND db.example.org",
    'relation "orders" does not exist',
    "no answer in 5 s",
    "SQLITE_CANTOPEN: unable to open database file",
    "the database system is starting up",
    'password authentication failed for user "app"',
    "NOAUTH Authentication required.",
    "WRONGPASS invalid username-password pair or user is disabled.",
    "the answer is HTTP 503",
    "too many connections for role 12:30:45",
  ])("leaves as it is: %s", (text) => {
    expect(withoutSecrets(text, [], {})).toBe(text);
  });

  test("takes no time worth telling over a long text of a stranger", () => {
    for (const bite of [
      ...[
        "a:",
        "password",
        "://",
        "x.x",
        "eyJ",
        " -p ",
        "user=",
        "-----BEGIN ",
        "a://b:",
        "a:b@",
        "password='",
      ],
      ...['token="\\', "<password>", "cookie:", "x-", "_token", ".", "a/b:", '\\"', "basic "],
    ]) {
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

describe("errorWithoutSecrets(), of whatever a driver throws,", () => {
  test("tells why of an error that holds the errors of several addresses", () => {
    const several = new AggregateError(
      [new Error("connect ECONNREFUSED ::1:5432"), new Error("no route")],
      "",
    );
    expect(errorWithoutSecrets(several, []).message).toBe("connect ECONNREFUSED ::1:5432; no route");
    expect(errorWithoutSecrets(Object.assign(new Error(""), { code: "ETIMEDOUT" }), []).message).toBe(
      "ETIMEDOUT",
    );
  });

  test.each([
    [undefined, "undefined"],
    [null, "null"],
    ["text", "text"],
    [Symbol("s"), "Symbol(s)"],
    [Object.create(null), "an error that cannot be read"],
    [Object.assign(new Error("x"), { message: { a: 1 } }), ""],
    [
      Object.defineProperty(new Error("x"), "message", {
        get: () => {
          throw new Error("no");
        },
      }),
      "an error that cannot be read",
    ],
    [Object.assign(new Error("x"), { stack: 7, name: 8 }), "x"],
  ])("never throws itself (%#)", (thrown, message) => {
    expect(errorWithoutSecrets(thrown, []).message).toBe(message);
  });
});
