/** A mesh with a member that runs skills, and may install some. */
export const MESH = `
mesh: demo
registry: ../schemas/events
subnets:
  alpha:
    members:
      kitchen: { publish: [nlp., repo.skill.install], subscribe: [ui., repo.] }
      worker:
        publish: [ui., repo.]
        subscribe: [nlp., timer., repo.]
        skills: [skills]
        skill_sources: [sources]
`;
/** A skill.yaml that the skills of tests share. */
export const MANIFEST =
  "version: 1.0.0\nevents:\n  subscribe: [nlp.intent.detected@1]\n  publish: [ui.notify@1]\n";

/** A handler with this body. */
export const handling = (body: string): string =>
  `export const handlers = { "nlp.intent.detected@1": async (event, ctx) => {\n${body}\n} };\n`;
/** A handler's body that answers with the name of its skill. */
export const ANSWER = "await ctx.publish('ui.notify@1', { text: ctx.skill + ' ' + event.data.intent });";
