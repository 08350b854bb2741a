{{/* The container that runs Loopscope, without the field that makes it a sidecar. Takes
     root: the context; tier: restricted, ptrace or node; processes, volumeMounts (optional):
     which processes to watch, mounts to add; file (optional): false leaves out `config`;
     ofThePod (optional): users that are not given are read from the pod in CEL. */}}
{{- define "loopscope.container" -}}
{{- $values := .root.Values -}}
name: {{ $values.sidecar.name }}
image: {{ include "loopscope.image" .root | quote }}
imagePullPolicy: {{ $values.image.pullPolicy }}
command: [loopscope]
args:
  - run
  - --listen={{ $values.listenAddress }}:{{ $values.port }}
  - --log-format={{ $values.logFormat }}
  {{- if and $values.config (ne .file false) }}
  - --config=/etc/loopscope/loopscope.yaml
  {{- end }}
  {{- if and (eq .tier "node") $values.node.containerLabels }}
  - --container-labels
  {{- end }}
  {{- if $values.noStacks }}
  - --no-stacks
  {{- end }}
  {{- include "loopscope.webConfigArgs" .root | nindent 2 | trimSuffix "\n  " }}
  {{- with .processes }}
  - {{ printf "--name=%s" . | quote }}
  {{- end }}
  {{- range $values.extraArgs }}
  - {{ . | quote }}
  {{- end }}
{{- with $values.extraEnv }}
env:
  {{- toYaml . | nindent 2 }}
{{- end }}
ports:
  - name: loopscope
    containerPort: {{ $values.port }}
    protocol: TCP
securityContext:
  {{- include "loopscope.securityContext" . | nindent 2 }}
resources:
  {{- toYaml $values.resources | nindent 2 }}
{{- $mounts := include "loopscope.volumeMounts" . | fromYamlArray }}
{{- with concat $mounts (default list .volumeMounts) }}
volumeMounts:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "loopscope.volumeMounts" -}}
{{- if and .root.Values.config (ne .file false) }}
- name: loopscope-config
  mountPath: /etc/loopscope
  readOnly: true
{{- end }}
{{- include "loopscope.webConfigMount" .root }}
{{- with .root.Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Nothing but what the tier needs. The program's file has its capabilities as permitted
     only (+p) and gets those that are in the bounding set, which is `add` below.
     no_new_privs (allowPrivilegeEscalation: false) can take them away again, depending on
     the container runtime: docs/deployment.md.
     id (optional): user and group where none is given and the image's may be root.
     A sidecar without capabilities reads programs of its own user alone, so it is left the
     pod's. */}}
{{- define "loopscope.securityContext" -}}
{{- $values := .root.Values -}}
{{- $add := list -}}
{{- if ne .tier "restricted" -}}{{- $add = append $add "SYS_PTRACE" -}}{{- end -}}
{{- if eq .tier "ptrace" -}}{{- $add = append $add "DAC_OVERRIDE" -}}{{- end -}}
{{- if eq .tier "node" -}}
{{- $add = append $add "DAC_READ_SEARCH" -}}
{{- if $values.node.otherNetworks -}}{{- $add = append $add "SYS_ADMIN" -}}{{- end -}}
{{- if $values.node.perf -}}{{- $add = append $add "PERFMON" -}}{{- end -}}
{{- end -}}
allowPrivilegeEscalation: {{ ne .tier "restricted" }}
capabilities:
  drop: [ALL]
  {{- with $add }}
  add: [{{ join ", " . }}]
  {{- end }}
privileged: false
readOnlyRootFilesystem: true
runAsNonRoot: true
{{- range $field := list "runAsUser" "runAsGroup" }}
{{- $id := index $values $field }}
{{- if not (kindIs "invalid" $id) }}
{{ $field }}: {{ $id }}
{{- else if ne $.tier "restricted" }}
{{ $field }}: 65532
{{- else if $.id }}
{{ $field }}: {{ $.id }}
{{- else if $.ofThePod }}
{{ $field }}: {cel: {{ include "loopscope.celOfThePod" $field | toJson }}}
{{- end }}
{{- end }}
seccompProfile:
  type: RuntimeDefault
{{- with $values.appArmorProfile }}
appArmorProfile:
  type: {{ . }}
{{- end }}
{{- end -}}
