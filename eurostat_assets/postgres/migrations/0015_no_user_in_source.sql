-- Whose data a mirror holds is told without the user and password of the address.
UPDATE eurostat.mirror SET api_url = regexp_replace(api_url, '^([a-z]+://)[^/?#]*@', '\1', 'i') WHERE api_url LIKE '%@%';
