-- Week 6: the data protection officer asks which columns hold personal data. The
-- schema answers: [personal: CLASS] in a column's comment, where CLASS is one of
-- contact, credential, identity, location.
COMMENT ON COLUMN users.email IS 'Signs in and receives mail. [personal: contact]';
COMMENT ON COLUMN users.password_hash IS 'bcrypt. [personal: credential]';
COMMENT ON COLUMN users.given_name IS 'Or the only name. [personal: identity]';
COMMENT ON COLUMN users.family_name IS 'Null for who has one name. [personal: identity]';
COMMENT ON COLUMN addresses.recipient IS 'The name on the parcel. [personal: identity]';
COMMENT ON COLUMN addresses.street IS 'With the number of the house. [personal: location]';
COMMENT ON COLUMN addresses.postal_code IS 'As the country writes it. [personal: location]';
COMMENT ON COLUMN addresses.city IS '[personal: location]';
