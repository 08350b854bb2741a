// Reads a JSON array of Kubernetes objects from standard input and prints a JSON array of
// what is wrong with them, one text each. Two checks, since neither sees everything: the
// schemas of Kubernetes and of the Prometheus operator (values, required fields), which let
// unknown fields pass; and their TypeScript types, which do not let them pass in a literal.
import path from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const here = path.dirname(fileURLToPath(import.meta.url));

// The packages have the types of the newest API only, which is the same as in v1beta1.
const SAME_AS = { "admissionregistration.k8s.io/v1beta1": "admissionregistration.k8s.io/v1" };

function modelOf(object) {
  const apiVersion = SAME_AS[object.apiVersion] ?? object.apiVersion;
  const base = apiVersion.startsWith("monitoring.coreos.com/")
    ? "@kubernetes-models/prometheus-operator"
    : "kubernetes-models";
  return { apiVersion, module: `${base}/${apiVersion}/${object.kind}` };
}

const nameOf = (object) => `${object.kind} ${object.metadata?.name}`;

async function schemaProblems(object) {
  const { apiVersion, module } = modelOf(object);
  const model = (await import(module))[object.kind];
  try {
    new model({ ...object, apiVersion }).validate();
    return [];
  } catch (error) {
    return [`${nameOf(object)}: ${error.message}`];
  }
}

function typeProblems(objects) {
  const file = path.join(here, "manifests.ts");
  const text = objects
    .map((object, index) => {
      const { apiVersion, module } = modelOf(object);
      return (
        `import type { I${object.kind} as T${index} } from "${module}";\n` +
        `export const m${index}: T${index} = ${JSON.stringify({ ...object, apiVersion })};\n`
      );
    })
    .join("");
  const options = {
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    target: ts.ScriptTarget.ES2022,
    noEmit: true,
    noLib: false,
    skipLibCheck: true,
    strict: true,
    types: [],
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (name) => name === file || fileExists(name);
  host.getSourceFile = (name, ...rest) =>
    name === file ? ts.createSourceFile(name, text, options.target) : getSourceFile(name, ...rest);
  const program = ts.createProgram([file], options, host);
  return ts.getPreEmitDiagnostics(program).map((diagnostic) => {
    const line = diagnostic.file
      ? diagnostic.file.getLineAndCharacterOfPosition(diagnostic.start).line
      : 0;
    const where = diagnostic.file?.fileName === file ? nameOf(objects[line >> 1]) : "types";
    return `${where}: ${ts.flattenDiagnosticMessageText(diagnostic.messageText, " ")}`;
  });
}

let input = "";
for await (const chunk of process.stdin) input += chunk;
const objects = JSON.parse(input);
const problems = [];
for (const object of objects) problems.push(...(await schemaProblems(object)));
problems.push(...typeProblems(objects));
console.log(JSON.stringify(problems, null, 1));
