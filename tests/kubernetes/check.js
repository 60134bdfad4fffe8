/* kubernetes.yml as TypeScript that only compiles when every field is one of Kubernetes' own, of the right type, and none that must be
   there is missing: node check.js FILE >manifest.ts */
const fs = require("fs");
const yaml = require("js-yaml");

const KINDS = {
  "v1/Secret": "core/v1", "v1/Service": "core/v1", "policy/v1/PodDisruptionBudget": "policy/v1", "apps/v1/StatefulSet": "apps/v1",
};
const documents = yaml.loadAll(fs.readFileSync(process.argv[2], "utf8"));
documents.forEach((document, number) => {
  const room = KINDS[`${document.apiVersion}/${document.kind}`];
  if (!room) {
    throw new Error(`${document.apiVersion}/${document.kind} is not known here`);
  }
  console.log(`import type {${document.kind} as T${number}} from "kubernetes-types/${room}";`);
  console.log(`export const d${number}: T${number} = ${JSON.stringify(document, null, 1)};`);
});

/* What belongs together is not the schema's: names and ports that refer to each other. */
const by = (kind, name) => documents.find((document) => document.kind === kind && document.metadata.name === name);
const set = by("StatefulSet", "raftd").spec;
const container = set.template.spec.containers[0];
const check = (holds, what) => {
  if (!holds) {
    throw new Error(what);
  }
};
check(by("Service", set.serviceName).spec.clusterIP === "None", "the set's service is headless");
check(by("Service", set.serviceName).spec.publishNotReadyAddresses, "nodes find each other before they are ready");
check(container.args[0].split("=http://raftd-").length - 1 === set.replicas, "--cluster lists as many as there are replicas");
for (const mount of container.volumeMounts) {
  const known = [...set.template.spec.volumes.map((volume) => volume.name), ...set.volumeClaimTemplates.map((claim) => claim.metadata.name)];
  check(known.includes(mount.name), `volume ${mount.name} is there`);
}
check(by("Secret", set.template.spec.volumes[0].secret.secretName), "the secret is there");
for (const service of documents.filter((document) => document.kind === "Service")) {
  check(JSON.stringify(service.spec.selector) === JSON.stringify(set.selector.matchLabels), "services select the set's pods");
  check(service.spec.ports[0].port === container.ports[0].containerPort, "services and container have the same port");
}
check(by("PodDisruptionBudget", "raftd").spec.maxUnavailable < set.replicas / 2, "a majority stays");
