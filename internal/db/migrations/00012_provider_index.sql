-- +goose Up
-- A logout of OpenID Connect may name its session by the provider's index alone.
CREATE INDEX sessions_provider_index ON sessions (provider_index) WHERE provider_index <> '';
