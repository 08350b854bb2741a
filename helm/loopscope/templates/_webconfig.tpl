{{/* The password file of the metrics, `webConfig`: its flag, its mount and its volume. All
     that the chart knows of it is in this file. */}}

{{- define "loopscope.webConfigArgs" -}}
{{- if .Values.webConfig.existingSecret -}}
- --web-config=/etc/loopscope-web/{{ .Values.webConfig.key }}
{{- end -}}
{{- end -}}

{{- define "loopscope.webConfigMount" -}}
{{- if .Values.webConfig.existingSecret }}
- name: loopscope-web-config
  mountPath: /etc/loopscope-web
  readOnly: true
{{- end }}
{{- end -}}

{{- define "loopscope.webConfigVolume" -}}
{{- if .Values.webConfig.existingSecret -}}
- name: loopscope-web-config
  secret:
    secretName: {{ .Values.webConfig.existingSecret }}
    items:
      - key: {{ .Values.webConfig.key | quote }}
        path: {{ .Values.webConfig.key | quote }}
{{- end -}}
{{- end -}}
