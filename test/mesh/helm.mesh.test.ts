import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { parseAllDocuments, stringify } from "yaml";
import {
  helm,
  type KubernetesObject,
  type KubernetesTools,
  kubernetesTools,
} from "../kit/kubernetes-tools.ts";
import { HOME } from "../kit/mesh.ts";

/*
 * deploy/helm/adaos-mesh, held against helm itself and against Kubernetes' own schemas.
 */

const found = await kubernetesTools();
const isMissing = typeof found === "string";
if (isMissing) console.info(`left out: ${found}`);
const tools = found as KubernetesTools;

const CHART = join(HOME, "deploy/helm/adaos-mesh");
const HUBS = {
  alpha: { port: 4223, members: { kitchen: {}, speaker: { persistent: false } } },
  beta: { port: 4224, members: { desk: {} } },
};
const SCRAPED = {
  hubs: HUBS,
  metricsPort: 9464,
  serviceMonitor: { enabled: true, tokenSecret: { name: "scrape" } },
};

const dir = mkdtempSync(join(tmpdir(), "adaos-helm-"));
afterAll(() => rmSync(dir, { recursive: true }));

function withValues(values: object): string[] {
  const file = join(dir, "values.yaml");
  writeFileSync(file, stringify(values));
  return ["--values", file];
}

async function render(values: object): Promise<KubernetesObject[]> {
  const text = await helm(tools, ["template", "mesh", CHART, "--namespace", "home", ...withValues(values)]);
  return parseAllDocuments(text).flatMap((document) => {
    const object = document.toJS() as KubernetesObject | null;
    return object === null ? [] : [object];
  });
}

const namesOf = (objects: readonly KubernetesObject[], kind: string): string[] =>
  objects.filter((object) => object.kind === kind).map(({ metadata }) => metadata.name);

function one(objects: readonly KubernetesObject[], kind: string, name: string): KubernetesObject {
  const object = objects.find((each) => each.kind === kind && each.metadata.name === name);
  return object ?? expect.fail(`there is no ${kind} ${name}`);
}

const podsOf = (objects: readonly KubernetesObject[]): KubernetesObject[] =>
  objects.filter(({ kind }) => kind === "StatefulSet" || kind === "Deployment");

describe.skipIf(isMissing)("deploy/helm/adaos-mesh", () => {
  test.each([
    ["no hub", {}],
    ["two hubs", { hubs: HUBS }],
    ["monitoring", SCRAPED],
    [
      "everything else",
      {
        hubs: HUBS,
        fullnameOverride: "lab",
        image: { repository: "registry.lab/adaos", digest: `sha256:${"0".repeat(64)}` },
        imagePullSecrets: [{ name: "pull" }],
        networkPolicy: {
          clientsFrom: [{ podSelector: { matchLabels: { operator: "mesh" } } }],
          memberEgress: [{ ports: [{ port: 5432 }] }],
        },
        extraVolumes: [{ name: "registry", configMap: { name: "registry" } }],
        extraVolumeMounts: [{ name: "registry", mountPath: "/etc/adaos/schemas" }],
        nodeSelector: { disk: "ssd" },
        tolerations: [{ key: "edge", operator: "Exists" }],
        affinity: { podAntiAffinity: {} },
        podAnnotations: { "lab/team": "mesh" },
      },
    ],
  ])("passes helm lint --strict and Kubernetes' schemas with %s", async (_, values) => {
    await helm(tools, ["lint", "--strict", CHART, ...withValues(values)]);
    const objects = await render(values);
    const own = objects.filter(({ kind }) => kind !== "ServiceMonitor");
    expect(own.flatMap((object) => tools.problemsOf(object))).toEqual([]);
  });

  test("finds unknown and wrong fields, so that the test above means something", async () => {
    const service = one(await render({}), "Service", "mesh-root");
    const broken = { ...service, spec: { ...service.spec, clusterIp: "None", ports: [{ port: "http" }] } };
    expect(tools.problemsOf(broken)).toEqual([
      expect.stringContaining("/spec/ports/0/port"),
      expect.stringContaining("spec.clusterIp is unknown to Kubernetes"),
    ]);
  });

  test("gives root, hubs and members with a disk a StatefulSet, and a member without one a Deployment", async () => {
    const objects = await render({ hubs: HUBS });
    expect(namesOf(objects, "StatefulSet").sort()).toEqual([
      "mesh-alpha",
      "mesh-alpha-kitchen",
      "mesh-beta",
      "mesh-beta-desk",
      "mesh-root",
    ]);
    expect(namesOf(objects, "Deployment")).toEqual(["mesh-alpha-speaker"]);
    expect(namesOf(objects, "Service")).toEqual(
      expect.arrayContaining(["mesh-root", "mesh-alpha", "mesh-beta", "mesh-members"]),
    );
  });

  test("gives every pod the restricted profile, and no rights in the cluster", async () => {
    const objects = await render(SCRAPED);
    const pods = podsOf(objects);
    expect(pods).toHaveLength(6);
    for (const { spec, metadata } of pods) {
      const pod = spec.template.spec;
      expect(pod, metadata.name).toMatchObject({
        automountServiceAccountToken: false,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
      });
      for (const container of [...pod.containers, ...pod.initContainers]) {
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        });
        expect(container.resources.limits.memory).toMatch(/Mi$/);
      }
    }
    const kinds = new Set(objects.map(({ kind }) => kind));
    for (const kind of ["ClusterRole", "Role", "RoleBinding", "ServiceAccount", "Secret"])
      expect(kinds).not.toContain(kind);
  });

  test("lets a pod see the Secret of its own part only", async () => {
    const pods = podsOf(await render({ hubs: HUBS }));
    const seen = pods.map(({ metadata, spec }) => {
      const secrets = spec.template.spec.volumes.flatMap((volume: { secret?: { secretName: string } }) =>
        volume.secret === undefined ? [] : [volume.secret.secretName],
      );
      return [metadata.name, secrets];
    });
    expect(Object.fromEntries(seen)).toEqual({
      "mesh-root": ["mesh-root"],
      "mesh-alpha": ["mesh-alpha-hub"],
      "mesh-beta": ["mesh-beta-hub"],
      "mesh-alpha-kitchen": ["mesh-alpha-kitchen"],
      "mesh-alpha-speaker": ["mesh-alpha-speaker"],
      "mesh-beta-desk": ["mesh-beta-desk"],
    });
  });

  test("asks the daemon's status and the server for their health", async () => {
    const { spec } = one(await render({ hubs: HUBS }), "StatefulSet", "mesh-alpha");
    const [server, daemon] = spec.template.spec.containers;
    expect(server.livenessProbe.exec.command).toEqual(["adaos-health", "server", "alpha"]);
    expect(daemon.livenessProbe.exec.command).toEqual(["adaos-health"]);
    expect(daemon.readinessProbe.exec.command).toEqual(["adaos-health", "ready"]);
  });

  test("lets members reach their own hub only, and hubs the root", async () => {
    const objects = await render({ hubs: HUBS });
    const { spec } = one(objects, "NetworkPolicy", "mesh-alpha.members");
    expect(spec.policyTypes).toEqual(["Ingress", "Egress"]);
    expect(spec.ingress).toBeUndefined();
    expect(
      spec.egress.map(({ ports, to }: { ports: { port: number }[]; to?: unknown }) => [ports[0]?.port, to]),
    ).toEqual([
      [53, undefined],
      [4223, [{ podSelector: { matchLabels: expect.objectContaining({ "adaos/subnet": "alpha" }) } }]],
    ]);
    const root = one(objects, "NetworkPolicy", "mesh-root");
    expect(root.spec.ingress.map(({ ports }: { ports: { port: number }[] }) => ports[0]?.port)).toEqual([
      7422, 4222,
    ]);
  });

  test.each([
    ["networkPolicy", { networkPolicy: { enabled: false } }, "NetworkPolicy"],
    ["podDisruptionBudget", { podDisruptionBudget: { enabled: false } }, "PodDisruptionBudget"],
    ["serviceMonitor", { serviceMonitor: { enabled: false } }, "ServiceMonitor"],
  ])("makes no object of %s when it is off", async (_, off, kind) => {
    expect(namesOf(await render(SCRAPED), kind)).not.toEqual([]);
    expect(namesOf(await render({ ...SCRAPED, ...off }), kind)).toEqual([]);
  });

  test.each([
    ["an unknown value", { replicas: 3 }, "replicas"],
    ["a hub without a port", { hubs: { alpha: {} } }, "port"],
    ["a port out of range", { hubs: { alpha: { port: 70_000 } } }, "maximum"],
    ["a subnet named root", { hubs: { root: { port: 4223 } } }, "root"],
    ["a member named hub", { hubs: { alpha: { port: 4223, members: { hub: {} } } } }, "hub"],
    ["a size that is no quantity", { memberStorage: { size: "big" } }, "size"],
    ["a tag in place of a digest", { image: { repository: "a", digest: "latest" } }, "digest"],
    [
      "a monitor without a port",
      { serviceMonitor: { enabled: true, tokenSecret: { name: "a" } } },
      "metricsPort",
    ],
    ["a monitor without a token", { metricsPort: 9464, serviceMonitor: { enabled: true } }, "name"],
    [
      "two parts of one name",
      { hubs: { alpha: { port: 4223, members: { b: {} } }, "alpha-b": { port: 4224 } } },
      "hubs.alpha-b has the same name as member b of hubs.alpha",
    ],
  ])("refuses %s", async (_, values, word) => {
    await expect(render(values)).rejects.toThrow(word);
  });

  test("names every value of values.yaml in its schema", () => {
    const values = readFileSync(join(CHART, "values.yaml"), "utf8");
    const keys = [...values.matchAll(/^([a-zA-Z]+):/gm)].map(([, key]) => key);
    const schema = JSON.parse(readFileSync(join(CHART, "values.schema.json"), "utf8")) as {
      properties: object;
    };
    expect(
      Object.keys(schema.properties)
        .filter((key) => key !== "global")
        .sort(),
    ).toEqual(keys.sort());
  });
});
