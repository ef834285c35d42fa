import { ROOT_DOMAIN } from "@adaos/core/wire";
import { downlinkLags, lagFigures, uplinkLags } from "@adaos/nats-server";
import { storedMsFrom } from "@adaos/transport-nats";
import { componentOf, type Finding, isServerWell, type Scene } from "../check.ts";
import { logCommand } from "../log-command.ts";

const LATE_S = 60;

/** Whether each link carries, and how far it lags. */
export async function links(scene: Scene): Promise<readonly Finding[]> {
  if (scene.isDown) return [];
  const down = scene.health.components.flatMap((component) => {
    return component.kind === "link" && !component.ready ? linkFinding(scene, component) : [];
  });
  const known = new Set(down.map(({ about }) => about));
  const late = await lateLinks(scene);
  return [...down, ...late.filter(({ about }) => !known.has(about))];
}

/** One whose server is away gets well with it. */
function linkFinding(
  scene: Scene,
  { name, note }: { readonly name: string; readonly note: string },
): Finding[] {
  const { layout } = scene;
  const [direction, subnet = ""] = name.split(" ");
  if (direction === "region")
    return isServerWell(scene, ROOT_DOMAIN) ? [regionFinding(scene, subnet, note)] : [];
  if (!isServerWell(scene, ROOT_DOMAIN) || !isServerWell(scene, subnet)) return [];
  const isFar = layout.remote?.includes(subnet) === true;
  return [
    {
      level: "fault",
      about: `link ${direction} ${subnet}`,
      problem: direction === "up" ? `nothing leaves ${subnet}` : `nothing comes to ${subnet}`,
      why: isFar ? `${note}; its hub is on another machine: run adaos doctor there, too` : note,
      mend: logCommand(scene, ROOT_DOMAIN, "link"),
    },
  ];
}

/** Another operator keeps that region; its events wait there. */
function regionFinding(scene: Scene, region: string, note: string): Finding {
  return {
    level: "fault",
    about: `link region ${region}`,
    problem: `nothing comes from the region ${region}`,
    why: `${note}; its operator sees more: run adaos doctor there, too`,
    mend: logCommand(scene, ROOT_DOMAIN, "link"),
  };
}

async function lateLinks(scene: Scene): Promise<Finding[]> {
  const asked = await scene.askServers();
  const looks = asked.map(async ({ server: { of }, streams }): Promise<Finding[]> => {
    const connection = scene.open.find((one) => one.of === of)?.connection;
    if (connection === undefined) return [];
    const subnets = Object.keys(scene.layout.ports).filter((name) => name !== ROOT_DOMAIN);
    const all = [...subnets, ...(scene.layout.remote ?? [])];
    const lags = of === ROOT_DOMAIN ? downlinkLags([...new Set(all)], streams) : uplinkLags(of, streams);
    const figures = await lagFigures(lags, (stream, filter, seq) =>
      storedMsFrom(connection, stream, filter, seq),
    );
    return figures.flatMap(({ metric, labels = [], value }): Finding[] => {
      const [subnet = "", direction = ""] = labels;
      if (metric !== "linkLagSeconds" || value < LATE_S || !isServerWell(scene, subnet)) return [];
      return [lateFinding(scene, `${direction} ${subnet}`, value)];
    });
  });
  return (await Promise.all(looks)).flat();
}

function lateFinding(scene: Scene, name: string, seconds: number): Finding {
  const note = componentOf(scene.health, "link", name)?.note ?? "its root daemon says nothing of it";
  return {
    level: "fault",
    about: `link ${name}`,
    problem: `lags by ${Math.round(seconds)} s`,
    why: note,
    mend: logCommand(scene, ROOT_DOMAIN, "link"),
  };
}
