DROP FUNCTION append_messages;
