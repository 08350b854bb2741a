{{/* A value as an expression in CEL. Takes value; path: its place in the pod, which is the
     type's name of an object there (Object.spec.initContainers). Objects with keys of the
     user's own, here amounts of resources, are maps; as CEL wants one type in a map and
     amounts may be written as numbers, they are strings there. */}}
{{- define "loopscope.cel" -}}
{{- $path := .path -}}
{{- if kindIs "map" .value -}}
{{- $isMap := has (splitList "." $path | last) (list "requests" "limits") -}}
{{- $fields := list -}}
{{- range $key, $value := .value -}}
{{- $name := ternary (toJson $key) $key $isMap -}}
{{- $inner := include "loopscope.cel" (dict "value" $value "path" (printf "%s.%s" $path $key) "isAmount" $isMap) -}}
{{- $fields = append $fields (printf "%s: %s" $name $inner) -}}
{{- end -}}
{{- ternary "" $path $isMap -}}{ {{- join ", " $fields -}} }
{{- else if kindIs "slice" .value -}}
{{- $items := list -}}
{{- range .value -}}
{{- $items = append $items (include "loopscope.cel" (dict "value" . "path" $path)) -}}
{{- end -}}
[{{- join ", " $items -}}]
{{- else if kindIs "string" .value -}}
{{- toJson .value -}}
{{- else if .isAmount -}}
{{- toJson .value | quote -}}
{{- else -}}
{{- .value -}}
{{- end -}}
{{- end -}}
