# A static kedge on a base without a shell, as a user without rights:
#   docker build -t kedge .
#   docker run --rm -e DATABASE_URL -v "$PWD:/project:ro" kedge up --project /project --env production
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /kedge ./cmd/kedge

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /kedge /kedge
USER nonroot:nonroot
ENTRYPOINT ["/kedge"]
