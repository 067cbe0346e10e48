-- Where a second credential was proven, so that it can be asked again before refusals take the credential out of use.
ALTER TABLE provider_credential_changes ADD COLUMN canary_resource_id text;
ALTER TABLE provider_credential_changes ADD COLUMN canary_path text;
ALTER TABLE provider_credential_changes ADD COLUMN canary_method text;
