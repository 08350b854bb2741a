{{/*
What other charts include. They depend on this one and hand over its own context:

  spec:
    {{- include "loopscope.podSettings" .Subcharts.loopscope | nindent 6 }}
    initContainers:
      {{- include "loopscope.sidecar" .Subcharts.loopscope | nindent 8 }}
    volumes:
      {{- include "loopscope.volumes" .Subcharts.loopscope | nindent 8 }}
*/}}

{{/* Fields of the pod: the sidecar has to see the processes of the other containers. */}}
{{- define "loopscope.podSettings" -}}
shareProcessNamespace: true
{{- end -}}

{{/* An item of initContainers: a native sidecar, started before the program and ended
     after it. No readinessProbe: a sidecar that is not ready makes its pod unready. */}}
{{- define "loopscope.sidecar" -}}
{{- $processes := include "loopscope.sidecarProcesses" . -}}
{{- $container := dict "root" . "tier" .Values.tier "processes" $processes -}}
- {{ include "loopscope.container" $container | nindent 2 | trim }}
  restartPolicy: Always
{{- end -}}

{{/* Which processes a sidecar watches. `targets` in the configuration are the user's own
     choice, which the flag would replace. */}}
{{- define "loopscope.sidecarProcesses" -}}
{{- if not .Values.config.targets -}}{{- .Values.sidecar.processes -}}{{- end -}}
{{- end -}}

{{/* Items of volumes; none unless `config`, `webConfig.existingSecret` or `extraVolumes` is
     set. */}}
{{- define "loopscope.volumes" -}}
{{- $file := include "loopscope.configVolume" . -}}
{{- printf "%s\n%s" $file (include "loopscope.ownVolumes" .) | trim -}}
{{- end -}}

{{/* Those that do not depend on an object of this release. */}}
{{- define "loopscope.ownVolumes" -}}
{{- $web := include "loopscope.webConfigVolume" . -}}
{{- $extra := "" -}}
{{- with .Values.extraVolumes -}}{{- $extra = toYaml . -}}{{- end -}}
{{- printf "%s\n%s" $web $extra | trim -}}
{{- end -}}

{{- define "loopscope.configVolume" -}}
{{- if .Values.config -}}
- name: loopscope-config
  configMap:
    name: {{ include "loopscope.fullname" . }}
{{- end -}}
{{- end -}}

{{/* Annotations of the pod: another configuration makes other pods. */}}
{{- define "loopscope.podAnnotations" -}}
{{- if .Values.config -}}
checksum/loopscope-config: {{ toYaml .Values.config | sha256sum }}
{{- end -}}
{{- end -}}
