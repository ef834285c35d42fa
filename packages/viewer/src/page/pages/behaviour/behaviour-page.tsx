import type { JSX } from "preact";
import { Link, useAddress } from "../../app/navigate.tsx";
import "./behaviour.css";
import { ScenariosTab } from "./scenarios/scenarios-tab.tsx";
import { SkillsTab } from "./skills/skills-tab.tsx";
import { TimersTab } from "./timers/timers-tab.tsx";

const TABS = [
  ["timers", "Timers", TimersTab],
  ["skills", "Skills", SkillsTab],
  ["scenarios", "Scenarios", ScenariosTab],
] as const;

/** What happens by itself: timers, skills and scenarios. */
export function BehaviourPage(): JSX.Element {
  const asked = useAddress().query.get("tab");
  const [tab, , Shown] = TABS.find(([name]) => name === asked) ?? TABS[0];
  return (
    <div class="behaviour">
      <nav class="tabs" aria-label="Behaviour">
        {TABS.map(([name, title]) => (
          <Link key={name} to="/behaviour" query={{ tab: name }} isCurrent={name === tab}>
            {title}
          </Link>
        ))}
      </nav>
      <Shown />
    </div>
  );
}
