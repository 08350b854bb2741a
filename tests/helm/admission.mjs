// What an API server does with a MutatingAdmissionPolicy of JSON patches, as far as the
// chart uses it: reads {policy, pods} from standard input and prints the pods after it.
//
// A CEL interpreter knows no Kubernetes types; so object literals are turned into maps after
// their type's name was checked against the place that they stand at, as the API server does.
import { celEnv, isCelError, isCelList, isCelMap, parse, plan, run } from "@bufbuild/cel";

const constant = (name) => ({
  $typeName: "cel.expr.Expr",
  id: 0n,
  exprKind: {
    case: "constExpr",
    value: { $typeName: "cel.expr.Constant", constantKind: { case: "stringValue", value: name } },
  },
});

// /spec/volumes/- is of type Object.spec.volumes.
const typeAt = (path) => ["Object", ...path.split("/").filter((p) => p && p !== "-")].join(".");

// Changes the tree in place. `expected` is the type that an object literal must have there.
function literalsToMaps(node, expected) {
  if (node === null || typeof node !== "object") return;
  if (node.exprKind?.case !== "structExpr") {
    for (const value of Object.values(node)) literalsToMaps(value, expected);
    return;
  }
  const { messageName: type, entries } = node.exprKind.value;
  if (type !== "" && type !== "JSONPatch" && type !== expected)
    throw new Error(`type ${type} where ${expected} belongs`);
  const path = entries.find((entry) => entry.keyKind.value === "path")?.value;
  for (const entry of entries) {
    if (entry.keyKind.case === "fieldKey") {
      const name = entry.keyKind.value;
      const isPatched = type === "JSONPatch" && name === "value";
      const below = isPatched ? typeAt(path.exprKind.value.constantKind.value) : `${type}.${name}`;
      literalsToMaps(entry.value, below);
      entry.keyKind = { case: "mapKey", value: constant(name) };
    } else {
      literalsToMaps(entry.value, undefined);
    }
  }
  node.exprKind.value.messageName = "";
}

function toJson(value) {
  if (isCelError(value)) throw new Error(value.message);
  if (isCelMap(value)) return Object.fromEntries([...value].map(([k, v]) => [k, toJson(v)]));
  if (isCelList(value)) return [...value].map(toJson);
  return typeof value === "bigint" ? Number(value) : value;
}

function applyPatch(object, { op, path, value }) {
  if (op !== "add") throw new Error(`patch with ${op}`);
  const parts = path.split("/").slice(1);
  const last = parts.pop();
  let at = object;
  for (const part of parts) {
    at = at[part];
    if (at === undefined) throw new Error(`nothing at ${part} of ${path}`);
  }
  if (Array.isArray(at)) {
    if (last !== "-") throw new Error(`patch at ${path}`);
    at.push(value);
  } else at[last] = value;
}

function admit(policy, pod) {
  const { matchConditions, mutations } = policy.spec;
  const matches = matchConditions.every(({ expression }) => {
    const answer = toJson(run(expression, { object: pod }));
    if (typeof answer !== "boolean") throw new Error(`${expression} is no condition`);
    return answer;
  });
  if (!matches) return pod;
  const patched = structuredClone(pod);
  for (const { patchType, jsonPatch } of mutations) {
    if (patchType !== "JSONPatch") throw new Error(`mutation of type ${patchType}`);
    const parsed = parse(jsonPatch.expression);
    literalsToMaps(parsed.expr, undefined);
    const patches = toJson(plan(celEnv(), parsed)({ object: patched }));
    for (const patch of patches) applyPatch(patched, patch);
  }
  return patched;
}

let input = "";
for await (const chunk of process.stdin) input += chunk;
const { policy, pods } = JSON.parse(input);
console.log(JSON.stringify(pods.map((pod) => admit(policy, pod)), null, 1));
